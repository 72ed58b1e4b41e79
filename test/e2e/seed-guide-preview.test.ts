/**
 * The guide "Intercept a Service in Your Own Environment", section 4, typed word for word: a login in a real browser, at a real OpenID
 * provider and at a stand-in of GitHub, the four questions on a terminal, and a preview URL through the cluster's real ingress
 * controller. What it prints is what the guide prints.
 */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GithubStandIn, type OpenIdProvider, startGithub, startOpenIdProvider } from '../../src/cloud/testing/identity-providers.ts';
import { MEASURED } from '../helpers/measured.ts';
import { echoApp } from './apps/echo.ts';
import { browserAvailable, browserOn } from './harness/browser.ts';
import { type CloudOnHost, HOST_ADDRESS, PREVIEW_DOMAIN, setCloud, startCloudOnHost } from './harness/cloud.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { ingressClass, ingressDoor, ingressMissing, startIngressController } from './harness/ingress-controller.ts';
import { eventually, type Finished } from './harness/run.ts';
import { typeOnTerminal } from './harness/terminal.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'guide-preview';
const HOST = 'dev-environment.edgestack.me';
const CLIENT = { clientId: 'telepresence', clientSecret: 'only for this test' };
/** What an app and its users know, and no log may hold. */
const SECRETS = { cookie: 'cookie-of-the-app-5f1c', header: 'bearer-of-the-app-83bd', query: 'query-of-the-app-77aa', body: 'body-of-the-app-e09f' };
/** Answers with what it was asked, so that the test sees what a preview's request looks like here. */
const LOCAL_SERVICE = `require('http').createServer((req, res) => {
  if (req.url === '/redirect') { res.writeHead(302, { location: 'https://${HOST}/after', 'set-cookie': 'app=${SECRETS.cookie}; Domain=${HOST}; Path=/; Secure' }); return res.end(); }
  res.setHeader('content-type', 'text/html');
  res.end('<title>workstation</title><pre>' + JSON.stringify({ by: process.env.GREETING, url: req.url, headers: req.headers }) + '</pre>');
}).listen(8080, '127.0.0.1')`;

const QUESTIONS = `To create a preview URL, telepresence needs to know how cluster
ingress works for this service.  Please Confirm the ingress to use.

1/4: What's your ingress' layer 3 (IP) address?
     You may use an IP address or a DNS name (this is usually a
     "service.namespace" DNS name).

       [default: <found>]: ambassador.ambassador

2/4: What's your ingress' layer 4 address (TCP port number)?

       [default: <found>]: 443

3/4: Does that TCP port on your ingress use TLS (as opposed to cleartext)?

       [default: <found>]: y

4/4: If required by your ingress, specify a different layer 5 hostname
     (TLS-SNI, HTTP "Host" header) to access this service.

       [default: <found>]: dev-environment.edgestack.me

Using deployment example-service
intercepted
    Intercept name   : example-service
    State            : ACTIVE
    Destination      : 127.0.0.1:8080
    Service Port Name: http
    Intercepting     : HTTP requests that match all of:
      header("x-telepresence-intercept-id") ~= regexp("<intercept id>:example-service")
    Preview URL      : https://<random domain name>.preview.edgestack.me
    Layer 5 Hostname : dev-environment.edgestack.me
`;

describe.skipIf(!clusterAvailable || !browserAvailable || ingressMissing !== undefined)(
  `the guide’s preview URL (${ingressMissing ?? 'needs a cluster and Chromium'})`,
  () => {
    const cleanUp = new AsyncDisposableStack();
    let cluster: TestCluster;
    let workstation: Workstation;
    let cloud: CloudOnHost;
    let provider: OpenIdProvider;
    let github: GithubStandIn;
    let openContext: () => Promise<BrowserContext>;
    /** The browser of the one who intercepts. */
    let mine: Page;
    let previewUrl = '';
    let userEnv: NodeJS.ProcessEnv = {};
    let shell: (line: string) => Promise<Finished>;
    const openedFile = (): string => path.join(workstation.home, 'opened');

    beforeAll(async () => {
      cluster = await startCluster();
      provider = await startOpenIdProvider({ ...CLIENT, redirectUri: `https://${HOST_ADDRESS}/sign-in/corp/callback` }, HOST_ADDRESS);
      cleanUp.defer(() => provider.close());
      github = await startGithub(CLIENT, HOST_ADDRESS);
      cleanUp.defer(() => github.close());
      cloud = await startCloudOnHost({
        logLevel: 'debug',
        providers: {
          oidc: [{ name: 'corp', issuer: provider.issuer, ...CLIENT, scope: 'openid profile email groups', organisationsClaim: 'groups' }],
          github: { ...CLIENT, authorizeUrl: `${github.url}/login/oauth/authorize`, tokenUrl: `${github.url}/login/oauth/access_token`, apiUrl: github.url },
        },
      });
      cleanUp.use(cloud);
      workstation = await cluster.workstation('preview');
      cleanUp.use(workstation);
      // an empty cluster gets its traffic-manager by it
      await workstation.ok(['connect'], { timeoutMs: 120_000 });
      cleanUp.use(await testNamespace(cluster, NAMESPACE));
      cleanUp.use(await startIngressController(cluster));
      await cluster.apply(echoApp({ name: 'example-service', namespace: NAMESPACE, env: [{ name: 'GREETING', value: 'good day' }] }));
      // what the guide's cluster has: an ingress controller named ambassador, and a rule for the host name
      const rule = {
        host: HOST,
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'example-service', port: { name: 'http' } } } }] },
      };
      const ingress = {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'example-service', namespace: NAMESPACE },
        spec: { ingressClassName: ingressClass, rules: [rule] },
      };
      const door = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'ambassador', namespace: 'ambassador' },
        spec: { type: 'ExternalName', externalName: `${ingressDoor}.svc.cluster.local`, ports: [{ name: 'https', port: 443 }] },
      };
      await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [ingress, door] }));
      cleanUp.defer(async () => {
        await cluster.kubectl(['-n', 'ambassador', 'delete', 'service', 'ambassador', '--ignore-not-found']);
      });
      await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/example-service', '--timeout=60s']);
      await cluster.kubectl(['-n', 'ambassador', 'delete', 'secret', 'telepresence-cloud', '--ignore-not-found']);
      await setCloud(workstation, cloud);
      cleanUp.defer(async () => {
        await setCloud(workstation, undefined);
        await cluster.kubectl(['-n', 'ambassador', 'delete', 'secret', 'telepresence-cloud', '--ignore-not-found']);
      });
      await workstation.ok(['quit', '-s']);

      const opener = path.join(workstation.home, 'browser');
      await writeFile(opener, `#!/bin/sh\nprintf %s "$1" > "${openedFile()}.new" && mv "${openedFile()}.new" "${openedFile()}"\n`);
      await chmod(opener, 0o755);
      const { browser, ...closing } = await browserOn(workstation, `MAP *.${PREVIEW_DOMAIN} ${HOST_ADDRESS}`);
      cleanUp.use(closing);
      openContext = () => browser.newContext({ ignoreHTTPSErrors: true });
      mine = await (await openContext()).newPage();
      userEnv = { NODE_EXTRA_CA_CERTS: cloud.caFile, BROWSER: opener };
      shell = (line) => workstation.shell(line, { env: userEnv });
      await eventually('connected', async () => (await shell(`telepresence connect --namespace ${NAMESPACE}`)).code === 0, 60_000);
      expect((await shell('telepresence loglevel trace')).code).toBe(0);
      expect((await shell('telepresence intercept example-service --port 8080:http')).code).toBe(0);
    }, 400_000);

    afterAll(async () => {
      await cleanUp.disposeAsync();
    }, 200_000);

    /** Runs `telepresence login` and does in the browser what its user does. */
    async function logIn(page: Page, inBrowser: () => Promise<void>): Promise<Finished> {
      await rm(openedFile(), { force: true });
      const running = shell('telepresence login');
      const address = await eventually('the browser is opened', () => readFile(openedFile(), 'utf8').catch(() => undefined), 15_000);
      await page.goto(address);
      await inBrowser();
      await page.getByRole('heading', { name: 'You are logged in' }).waitFor();
      return running;
    }

    async function signInAtCorp(page: Page, account: string): Promise<void> {
      await page.getByRole('link', { name: /corp/ }).click();
      await page.locator('input[name=login]').fill(account);
      await page.locator('input[name=password]').fill('any');
      await page.locator('button[type=submit]').click();
      const consent = page.getByRole('button', { name: 'Continue' });
      await consent.click();
    }

    async function allow(page: Page, organisation: string): Promise<void> {
      await page.getByRole('radio', { name: organisation }).check();
      await page.getByRole('button', { name: 'Allow' }).click();
    }

    /** The page behind the normal URL, or the preview's as somebody who is not signed in. */
    const normal = (): Promise<Finished> => shell(`curl -sk --max-time 10 --connect-to ::${ingressDoor}:443 https://${HOST}/`);
    const anonymous = (target = previewUrl, flags = '-s'): Promise<Finished> =>
      shell(`curl -k ${flags} --max-time 10 --connect-to ::${HOST_ADDRESS}:443 ${target}`);

    it('leaves the intercept of section 3', async () => {
      expect(await shell('telepresence leave example-service')).toEqual({ code: 0, stdout: '', stderr: '' });
    });

    it('logs in by the browser, at an OpenID provider', async () => {
      const { stdout, stderr, code } = await logIn(mine, async () => {
        await signInAtCorp(mine, 'ann');
        await allow(mine, 'Shop');
      });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toBe('Launching browser authentication flow...\nLogin successful.\n');
    });

    it('asks for the ingress and prints the preview URL', async () => {
      const { screen, code } = await typeOnTerminal(
        workstation,
        'telepresence intercept example-service --port 8080:http --env-file ~/example-service-intercept.env',
        {
          env: userEnv,
          prompt: /\[default: .*\]: $/,
          answers: ['ambassador.ambassador', '443', 'y', 'dev-environment.edgestack.me'],
        },
      );
      expect([code, code === 0 ? '' : `${screen}${await workstation.logTail()}`]).toEqual([0, '']);
      previewUrl = /https:\/\/\S+\.preview\.edgestack\.me/.exec(screen)?.[0] ?? '';
      const said = screen
        .replace(/^Warning: Nothing listens on .*\n/m, '')
        .replace(/\[default: .*\]/g, '[default: <found>]')
        .replace(/regexp\("[0-9a-f-]{36}:/, 'regexp("<intercept id>:')
        .replace(/https:\/\/[a-z2-7]{26}\./, 'https://<random domain name>.');
      expect(said).toBe(QUESTIONS);
      expect(screen.match(/\[default: .*\]/g)).toEqual([`[default: ${ingressDoor}]`, '[default: 80]', '[default: n]', `[default: ${HOST}]`]);
      const env = await readFile(path.join(workstation.home, 'example-service-intercept.env'), 'utf8');
      expect(env.split('\n')).toContain('GREETING=good day');
      cleanUp.use(
        workstation.background('bash', ['-c', `set -a; . <(sed 's/=\\(.*\\)/="\\1"/' ~/example-service-intercept.env); exec node -e "$LOCAL"`], {
          LOCAL: LOCAL_SERVICE,
        }),
      );
    });

    it('brings the preview URL to the workstation, and the normal URL never', async () => {
      await eventually('the local service answers', async () => (await shell('curl -s http://127.0.0.1:8080/')).stdout.includes('good day'));
      await mine.goto(previewUrl);
      expect(await mine.title()).toBe('workstation');
      const { by, headers } = JSON.parse((await mine.locator('pre').textContent()) ?? '{}') as { by: string; headers: Record<string, string> };
      expect(by).toBe('good day');
      expect(headers).toMatchObject({ host: HOST, 'x-telepresence-intercept-id': expect.stringMatching(/^[0-9a-f-]{36}:example-service$/) });
      expect(headers['cookie'] ?? '').not.toMatch(/telepresence|__Host/i);
      for (let i = 0; i < 20; i += 1) expect((await normal()).stdout).toMatch(/^example-service /);
    });

    it('keeps redirects and cookies for the layer 5 host within the preview', async () => {
      await mine.goto(`${previewUrl}/redirect`);
      expect(new URL(mine.url()).origin).toBe(previewUrl);
      expect(new URL(mine.url()).pathname).toBe('/after');
      const { headers } = JSON.parse((await mine.locator('pre').textContent()) ?? '{}') as { headers: Record<string, string> };
      expect(headers['cookie']).toContain(`app=${SECRETS.cookie}`);
    });

    it('keeps the dashboard from the preview’s page', async () => {
      await mine.goto(`${previewUrl}/page`);
      const inPage = `(async () => ({
      cookies: document.cookie,
      answers: await Promise.all(['/', '/api/v1/me'].map((path) =>
        fetch('${cloud.url}' + path, { credentials: 'include' }).then((answer) => 'read ' + answer.status, () => 'refused'))),
    }))()`;
      const seen: { cookies: string; answers: string[] } = await mine.evaluate(inPage);
      expect(seen.answers).toEqual(['refused', 'refused']);
      // what the app set itself, and nothing of the cloud's
      expect(seen.cookies).toBe(`app=${SECRETS.cookie}`);
    });

    it('shows it in list', async () => {
      const { stdout } = await shell('telepresence list');
      expect(stdout).toContain(`    Preview URL      : ${previewUrl}\n    Layer 5 Hostname : ${HOST}\n`);
    });

    it('is private: a stranger is sent to sign in, and back; a member of another organisation is refused', async () => {
      expect((await anonymous(previewUrl, '-si')).stdout).toMatch(/^HTTP\/\S+ 401/);
      const context = await openContext();
      const page = await context.newPage();
      await page.goto(`${previewUrl}/wanted?x=1`);
      expect(new URL(page.url()).hostname).toBe(HOST_ADDRESS);
      await signInAtCorp(page, 'bob');
      await page.waitForURL(`${previewUrl}/wanted?x=1`);
      expect(await page.title()).toBe('workstation');
      await context.close();

      const elsewhere = await openContext();
      const other = await elsewhere.newPage();
      await other.goto(previewUrl);
      await other.getByRole('link', { name: /GitHub/ }).click();
      await other.waitForLoadState();
      const answer = await other.goto(previewUrl);
      expect(answer?.status()).toBe(403);
      await elsewhere.close();
    });

    it('opens to anybody when it is made public in the dashboard, and closes at once', async () => {
      await mine.goto(cloud.url);
      await mine.getByRole('button', { name: /make the preview of example-service public/ }).click();
      await mine.getByRole('button', { name: /make the preview of example-service private/ }).waitFor();
      expect((await anonymous()).stdout).toContain('<title>workstation</title>');
      await mine.getByRole('button', { name: /make the preview of example-service private/ }).click();
      await mine.getByRole('button', { name: /make the preview of example-service public/ }).waitFor();
      expect((await anonymous(previewUrl, '-si')).stdout).toMatch(/^HTTP\/\S+ 401/);
    });

    it('comes back when the cloud was killed (within 5 s, where times are measured); the intercept goes on meanwhile', async () => {
      const { headers } = JSON.parse(
        /<pre>(.*)<\/pre>/.exec((await mine.goto(previewUrl).then(() => mine.content())).replaceAll('&quot;', '"'))?.[1] ?? '{}',
      ) as { headers: Record<string, string> };
      await cloud.kill();
      const byHand = await shell(`curl -s --max-time 10 -H 'x-telepresence-intercept-id: ${headers['x-telepresence-intercept-id']}' http://example-service/`);
      expect(byHand.stdout).toContain('good day');
      await cloud.start();
      await eventually(
        'the preview is back',
        async () => (await mine.goto(previewUrl)) !== null && (await mine.title()) === 'workstation',
        MEASURED ? 5_000 : 60_000,
      );
    });

    it('carries an app’s own secrets, which no log may hold', async () => {
      const { query, header, body } = SECRETS;
      const inPage = `fetch('/login?password=${query}', { method: 'POST', headers: { authorization: 'Bearer ${header}' }, body: '${body}' }).then((answer) => answer.text())`;
      const seen: string = await mine.evaluate(inPage);
      for (const secret of [query, header, SECRETS.cookie]) expect(seen).toContain(secret);
    });

    it('ends in the dashboard: list shows it (within a second, where times are measured), and the URL says so', async () => {
      await mine.goto(cloud.url);
      await mine.getByRole('button', { name: 'End example-service' }).click();
      await mine
        .getByRole('dialog', { name: /End example-service/ })
        .getByRole('button', { name: 'End intercept' })
        .click();
      await eventually(
        'list shows it',
        async () => (await shell('telepresence list')).stdout.includes('example-service: ready to intercept'),
        MEASURED ? 1_000 : 60_000,
      );
      const answer = await mine.goto(previewUrl);
      expect([answer?.status(), answer?.headers()['x-telepresence-error']]).toEqual([404, 'TP-PREVIEW-GONE']);
      expect(await mine.textContent('body')).toMatch(/intercept.*ended/i);
    });

    it('logs out, and in again at GitHub, into an organisation of GitHub’s', async () => {
      expect(await shell('telepresence logout')).toEqual({ code: 0, stdout: '', stderr: '' });
      const context = await openContext();
      const page = await context.newPage();
      const { stdout, code } = await logIn(page, async () => {
        await page.getByRole('link', { name: /GitHub/ }).click();
        await allow(page, 'github');
      });
      expect([code, stdout]).toEqual([0, 'Launching browser authentication flow...\nLogin successful.\n']);
      await context.close();
    });

    it('wrote no secret into any log', async () => {
      const { token } = JSON.parse(await readFile(path.join(workstation.home, '.cache/telepresence/cloud.json'), 'utf8')) as { token: string };
      const linkToken = Buffer.from(
        await cluster.kubectl(['-n', 'ambassador', 'get', 'secret', 'telepresence-cloud', '-o', 'jsonpath={.data.token}']),
        'base64',
      ).toString();
      const file = (name: string): Promise<string> => readFile(path.join(workstation.home, '.cache/telepresence/logs', name), 'utf8');
      const pods = (namespace: string, app: string, container: string): Promise<string> =>
        cluster.kubectl(['-n', namespace, 'logs', '-l', `app=${app}`, '-c', container, '--tail=-1']);
      const logs = {
        daemon: await file('daemon.log'),
        netd: await file('netd.log'),
        manager: await pods('ambassador', 'traffic-manager', 'traffic-manager'),
        agent: await pods(NAMESPACE, 'example-service', 'traffic-agent'),
        cloud: cloud.output(),
      };
      const cookies = (await mine.context().cookies()).map(({ value }) => value).filter((value) => value.length > 20);
      expect(cookies.length).toBeGreaterThanOrEqual(2);
      const secrets = [token, linkToken, ...cookies, ...Object.values(SECRETS), CLIENT.clientSecret, 'good day'];
      for (const [name, log] of Object.entries(logs)) {
        expect(log.length, name).toBeGreaterThan(0);
        expect(
          secrets.filter((secret) => log.includes(secret)),
          name,
        ).toEqual([]);
      }
    });
  },
);

/**
 * The cloud, its database and the manager are killed during use, one at a time: intercepts go on (tcp and http), the preview
 * comes back, and no account, preview or line of the audit log is lost.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresMissing, startPostgres, type TestPostgres } from '../../src/cloud/testing/postgres.ts';
import { within } from '../helpers/measured.ts';
import { echoApp } from './apps/echo.ts';
import { SHARE } from './apps/load.ts';
import { makeAccount } from './harness/account.ts';
import type { CloudOnHost } from './harness/cloud.ts';
import { clusterAvailable, type TestCluster } from './harness/cluster.ts';
import { ingressMissing } from './harness/ingress-controller.ts';
import { answered, answeredBy, bad, type Load, loadFromCluster, passed, settledAfter, shown } from './harness/load.ts';
import { killManager, managerPid, managerPods } from './harness/manager.ts';
import { type PreviewWatch, watchPreview } from './harness/preview-watch.ts';
import { eventually } from './harness/run.ts';
import { ingressTo, interceptInPublic, type Person, startTeam } from './harness/team.ts';

const NAMESPACE = 'cloud-faults';
const HOST = 'web.edgestack.me';
const RATE = 20;
const DOWN_MS = 5_000;
const BACK_MS = 5_000;
const SERVE = `for (const port of [8080, 8081, 8082]) require('http').createServer((q, r) => r.end('local')).listen(port, '127.0.0.1')`;
/** What must outlive everything; links, sessions and limits come and go. */
const KEPT = ['users', 'organisations', 'memberships', 'tokens', 'clusters', 'previews', 'audit'];

const missing = [postgresMissing, ingressMissing].filter((why) => why !== undefined);

describe.skipIf(!clusterAvailable || missing.length > 0)(
  `killed during use (needs root and the test cluster${missing.map((why) => `, and ${why}`).join('')})`,
  () => {
    const cleanUp = new AsyncDisposableStack();
    let cluster: TestCluster;
    let cloud: CloudOnHost;
    let postgres: TestPostgres;
    let database = '';
    let ann: Person;
    let watch: PreviewWatch;
    /** To a service that is intercepted whole, and to one of which some paths are. */
    let loads: { tcp: Load; http: Load };
    const times: string[] = [];

    beforeAll(async () => {
      postgres = await startPostgres();
      cleanUp.defer(() => postgres.stop());
      database = await postgres.database('cloud');
      const team = await startTeam(cleanUp, NAMESPACE, ['ann'], { database });
      ({ cluster, cloud } = team);
      ann = team.people[0] as Person;
      for (const name of ['web', 'whole', 'part']) await cluster.apply(echoApp({ name, namespace: NAMESPACE, container: SHARE }));
      await cluster.apply(JSON.stringify(ingressTo(NAMESPACE, HOST, 'web')));
      for (const name of ['web', 'whole', 'part'])
        await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=60s'], { timeoutMs: 70_000 });
      const { workstation, env } = ann;
      cleanUp.use(workstation.background('node', ['-e', SERVE]));
      const { host } = await interceptInPublic(cloud, ann, 'web', HOST);
      const more = ['--preview-url=false', '--mount=false'];
      await workstation.ok(['intercept', 'whole', '--mechanism', 'tcp', '--port', '8081:http', ...more], { timeoutMs: 90_000, env });
      await workstation.ok(['intercept', 'part', '--http-header', 'all', '--http-path-prefix', '/mine', '--port', '8082:http', ...more], {
        timeoutMs: 90_000,
        env,
      });
      loads = {
        tcp: cleanUp.use(await loadFromCluster(cluster, 'load-tcp', NAMESPACE, { url: 'http://whole/', rate: RATE, limitMs: 5_000 })),
        http: cleanUp.use(await loadFromCluster(cluster, 'load-http', NAMESPACE, { url: 'http://part/mine', rate: RATE, limitMs: 5_000 })),
      };
      watch = cleanUp.use(watchPreview(host, '200 local'));
      await eventually('the preview and both loads are answered by the workstation', async () => {
        const last = await Promise.all([loads.tcp, loads.http].map(async (load) => (await load.samples()).at(-1)));
        const preview = watch.failures(Date.now() - 1_000);
        if (preview.length === 0 && last.every((sample) => sample?.who === 'local')) return true;
        throw new Error(JSON.stringify({ last, preview }));
      });
    }, 400_000);

    afterAll(async () => {
      process.stdout.write(`${times.join('\n')}\n`);
      await cleanUp.disposeAsync();
    }, 200_000);

    /** Every row that must outlive what is done here, as text by table. */
    async function rows(): Promise<Map<string, string[]>> {
      const client = new pg.Client({ connectionString: database });
      await client.connect();
      try {
        const found = new Map<string, string[]>();
        // whole rows but for the columns that say when something was last seen
        for (const table of KEPT)
          found.set(
            table,
            (await client.query<{ row: Record<string, unknown> }>(`SELECT to_jsonb(t) AS row FROM "${table}" t`)).rows.map(({ row }) =>
              JSON.stringify(Object.entries(row).filter(([name]) => !/seen|used/i.test(name))),
            ),
          );
        return found;
      } finally {
        await client.end();
      }
    }

    async function scaleManager(replicas: number): Promise<void> {
      await cluster.kubectl(['-n', 'ambassador', 'scale', 'deployment/traffic-manager', `--replicas=${replicas}`]);
      await cluster.kubectl(['-n', 'ambassador', 'rollout', 'status', 'deployment/traffic-manager', '--timeout=90s'], { timeoutMs: 100_000 });
      await eventually(`${replicas} run`, async () => (await managerPods(cluster)).length === replicas, 60_000);
    }

    const intercepts = async (): Promise<string> =>
      cluster.kubectl(['-n', NAMESPACE, 'get', 'intercepts', '-o', 'jsonpath={.items[*].metadata.uid} {.items[*].status.phase}']);

    /** What was there is there, both intercepts lost nothing since then, and the preview came back after `from`. */
    async function nothingLost(
      what: string,
      since: number,
      from: number,
      before: { rows: Map<string, string[]>; intercepts: string },
      tolerated = 0,
    ): Promise<void> {
      const back = await eventually('the preview is back', async () => {
        const took = watch.backAfter(from);
        return took < Date.now() - from ? took : undefined;
      });
      const [tcp, http] = [await loads.tcp.samples(), await loads.http.samples()];
      const until = Date.now();
      const astray = [...bad(tcp, since, until, answeredBy('local')), ...bad(http, since, until, answeredBy('local'))];
      const failed = astray.filter((sample) => !answered(sample));
      const asked = [...tcp, ...http].filter(({ start }) => start >= since).length;
      const settled = Math.max(settledAfter(tcp, since, answeredBy('local')), settledAfter(http, since, answeredBy('local')));
      times.push(
        `${what}: the preview is back after ${back} ms; of ${asked} intercepted requests ${failed.length} failed, ${astray.length - failed.length} were answered by the app, settled after ${Math.round(settled)} ms`,
      );
      expect(failed.length, shown(failed, since)).toBeLessThanOrEqual(tolerated);
      if (tolerated === 0) expect(shown(astray, since)).toBe('');
      expect(back).toBeLessThanOrEqual(within(BACK_MS));
      const after = await rows();
      for (const [table, had] of before.rows) {
        const has = new Set(after.get(table));
        expect(had.length, table).toBeGreaterThan(0);
        expect(
          had.filter((row) => !has.has(row)),
          table,
        ).toEqual([]);
      }
      expect(await intercepts()).toBe(before.intercepts);
    }
    const state = async () => ({ rows: await rows(), intercepts: await intercepts() });

    /** Killed, and started again a while later. Returns when it was killed. */
    async function killedFor5s(what: string, part: { kill(): Promise<unknown>; start(): Promise<unknown> }): Promise<number> {
      const before = await state();
      const since = Date.now();
      await part.kill();
      await passed(DOWN_MS);
      const back = Date.now();
      await part.start();
      await passed(BACK_MS);
      await nothingLost(`${what} killed for 5 s`, since, back, before);
      return since;
    }

    it('the cloud: intercepts go on, the preview is back within 5 s', async () => {
      await killedFor5s('the cloud', cloud);
    });

    it('PostgreSQL: intercepts go on, the preview is back within 5 s', async () => {
      const since = await killedFor5s('PostgreSQL', postgres);
      expect(
        watch.failures(since).every((got) => /^5\d\d /.test(got)),
        watch.failures(since).join('\n'),
      ).toBe(true);
    });

    it('a manager of two: intercepts go on, the preview is back within 5 s', async () => {
      const before = await state();
      const [victim = ''] = await managerPods(cluster);
      const since = Date.now();
      await killManager(victim);
      await passed(2 * BACK_MS);
      // what was on its way in the killed replica is reset
      await nothingLost('manager killed', since, since, before, RATE);
    });

    it('the only manager: intercepts and the preview are back within 5 s of its return', async () => {
      await scaleManager(1);
      await passed(BACK_MS);
      const before = await state();
      const [victim = ''] = await managerPods(cluster);
      const killed = await managerPid(victim);
      const since = Date.now();
      try {
        await killManager(victim);
        await eventually('its process is back', async () => (await managerPid(victim)) !== killed, 60_000);
        const back = Date.now();
        await passed(2 * BACK_MS);
        // what was on its way is reset; the app answers until the manager is back
        await nothingLost(`the only manager killed, its process back after ${back - since} ms`, since, back, before, RATE);
        for (const load of [loads.tcp, loads.http])
          expect(settledAfter(await load.samples(), since, answeredBy('local')) - (back - since)).toBeLessThanOrEqual(within(BACK_MS));
      } finally {
        await scaleManager(2);
      }
    });

    it('an account, a preview and the audit log can be used as before', async () => {
      expect((await ann.account.browser.get('/audit')).text).toContain('ann');
      const bob = await makeAccount(cloud, 'bob', await ann.account.invite());
      expect(bob.key).toMatch(/^tpk_/);
      expect(await ann.workstation.ok(['list'], { env: ann.env })).toContain('.preview.edgestack.me');
    });
  },
);

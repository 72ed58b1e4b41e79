/** A team at a cluster with a cloud: people with a workstation and an account each, connected and logged in, and an ingress controller before it all. */
import { type Account, makeAccount, makePublic, previewsOf, trust } from './account.ts';
import { type CloudOnHost, setCloud, startCloudOnHost } from './cloud.ts';
import { startCluster, type TestCluster, testNamespace } from './cluster.ts';
import { ingressDoor, startIngressController } from './ingress-controller.ts';
import { eventually } from './run.ts';
import type { Workstation } from './workstation.ts';

export interface Person {
  account: Account;
  workstation: Workstation;
  /** What `telepresence` needs around it to believe the test's cloud. */
  env: NodeJS.ProcessEnv;
}

export interface Team {
  cluster: TestCluster;
  cloud: CloudOnHost;
  people: Person[];
}

/** @param settings of the cloud */
export async function startTeam(
  cleanUp: AsyncDisposableStack,
  namespace: string,
  names: readonly string[],
  settings: Record<string, unknown> = {},
): Promise<Team> {
  const cluster = await startCluster();
  const cloud = await startCloudOnHost({ logLevel: 'debug', ...settings });
  cleanUp.use(cloud);
  await trust(cloud);
  const administrator = await cluster.workstation('admin');
  cleanUp.use(administrator);
  // an empty cluster gets its traffic-manager by it; in one that was just started, the one it had comes up
  await eventually('connected', async () => (await administrator.telepresence(['connect'], { timeoutMs: 120_000 })).code === 0, 120_000);
  await administrator.ok(['quit', '-s']);
  cleanUp.use(await testNamespace(cluster, namespace));
  cleanUp.use(await startIngressController(cluster));
  const forget = (): Promise<string> => cluster.kubectl(['-n', 'ambassador', 'delete', 'secret', 'telepresence-cloud', '--ignore-not-found']);
  await forget();
  await setCloud(administrator, cloud);
  cleanUp.defer(async () => {
    await setCloud(administrator, undefined);
    await forget();
  });
  const people: Person[] = [];
  for (const name of names) {
    const [first] = people;
    const account = await makeAccount(cloud, name, first === undefined ? cloud.firstLink : await first.account.invite());
    const workstation = await cluster.workstation(name);
    cleanUp.use(workstation);
    const env = { NODE_EXTRA_CA_CERTS: cloud.caFile };
    await eventually('connected', async () => (await workstation.telepresence(['connect', '-n', namespace], { env })).code === 0, 60_000);
    await workstation.ok(['login', '--apikey', account.key], { env });
    people.push({ account, workstation, env });
  }
  return { cluster, cloud, people };
}

/** An Ingress rule that leads `host` to a Service. */
export const ingressTo = (namespace: string, host: string, service: string): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: service, namespace },
  spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { name: 'http' } } } }] } }] },
});

export interface PublicPreview {
  /** Of the preview's address. */
  host: string;
  /** Of the header that marks its requests. */
  mark: string;
}

/** Intercepts a workload under the person's own name, with a preview URL through the ingress that anybody may see. */
export async function interceptInPublic(cloud: CloudOnHost, { account, workstation, env }: Person, workload: string, l5host: string): Promise<PublicPreview> {
  const ingress = ['--ingress-host', ingressDoor, '--ingress-port', '443', '--ingress-tls', '--ingress-l5', l5host];
  const flags = ['--workload', workload, '--port', '8080:http', '--mount=false', ...ingress];
  const said = await workstation.ok(['intercept', account.name, ...flags], { timeoutMs: 120_000, env });
  const host = /https:\/\/(\S+\.preview\.edgestack\.me)/.exec(said)?.[1] ?? '';
  const preview = (await previewsOf(cloud, account)).find((one) => one.host === host);
  if (preview === undefined) throw new Error(`no preview in ${said}`);
  await makePublic(cloud, account, preview.id);
  return { host, mark: `${/regexp\("([0-9a-f-]{36}):/.exec(said)?.[1]}:${account.name}` };
}

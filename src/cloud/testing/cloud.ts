/** A whole cloud for tests: on a free port, SQLite in memory, with a user, an organisation, a cluster and its link. */
import { createServer } from 'node:net';
import { type Log, silentLog } from '../../base/log.ts';
import type { CloudIntercept, PreviewRequest } from '../../protocol/cloud.ts';
import { previewAddress } from '../actions.ts';
import { type RunningCloud, startCloud } from '../cloud.ts';
import { type CloudConfig, parseCloudConfig } from '../config.ts';
import { createDashboard, dashboardPages } from '../dashboard/index.ts';
import { createPreviewProxy } from '../preview/index.ts';
import { newId } from '../secrets.ts';
import { hashPassword } from '../sign-in/password.ts';
import type { Cluster, Organisation, Preview, User } from '../store/index.ts';

export const TEST_PASSWORD = 'correct horse battery';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface TestCloud extends RunningCloud {
  readonly config: CloudConfig;
  /** A member of a new organisation, with a password ({@link TEST_PASSWORD}). */
  person(name: string, organisation?: Organisation): Promise<{ user: User; organisation: Organisation }>;
  cluster(owner: { user: User; organisation: Organisation }, name?: string): Promise<{ cluster: Cluster; token: string }>;
  preview(
    owner: { user: User; organisation: Organisation },
    cluster: Cluster,
    change?: Partial<PreviewRequest>,
  ): Promise<Preview & { host: string; url: string }>;
  /** A session of the dashboard, and its cookie. */
  signIn(user: User, organisation: Organisation): Promise<{ hash: string; cookie: string }>;
}

export async function startTestCloud(settings: Record<string, unknown> = {}, options: { now?: () => number; log?: Log } = {}): Promise<TestCloud> {
  const port = typeof settings['url'] === 'string' ? Number(new URL(settings['url']).port) : await freePort();
  const scheme = 'tls' in settings ? 'https' : 'http';
  const config = parseCloudConfig(
    { url: `${scheme}://localhost:${port}`, listen: `127.0.0.1:${port}`, database: 'sqlite::memory:', ...settings },
    { dataDir: '/nonexistent' },
  );
  const cloud = await startCloud({ config, log: silentLog, pages: dashboardPages, dashboard: createDashboard, preview: createPreviewProxy, ...options });
  const { store, context } = cloud;
  return {
    ...cloud,
    config,
    async person(name, organisation) {
      const user = await store.users.createLocal({
        name,
        email: `${name.toLowerCase().replaceAll(' ', '.')}@example.com`,
        password: await hashPassword(TEST_PASSWORD),
      });
      if (user === undefined) throw new Error(`${name} is there already`);
      if (organisation === undefined) return { user, organisation: await store.organisations.create(`${name}’s team`, user.id) };
      await store.organisations.add(organisation.id, user.id, 'member');
      return { user, organisation };
    },
    cluster: ({ user, organisation }, name = 'staging') =>
      context.actions.registerCluster({ user, organisation, role: 'owner', address: '' }, { uid: newId(), name }),
    async preview({ user, organisation }, cluster, change = {}) {
      const preview = await context.actions.createPreview(
        { user, organisation, role: 'owner', address: '' },
        { ...previewRequest(cluster.uid, newId()), ...change },
      );
      return { ...preview, ...previewAddress(config, preview) };
    },
    async signIn(user, organisation) {
      const secret = await store.sessions.create(user.id, organisation.id);
      const session = await store.sessions.find(secret);
      return { hash: session?.hash ?? '', cookie: `${config.secure ? '__Host-' : ''}telepresence-session=${secret}` };
    },
  };
}

export function previewRequest(clusterId: string, uid: string): PreviewRequest {
  return {
    clusterId,
    intercept: {
      uid,
      namespace: 'default',
      name: 'example-service',
      workload: { kind: 'Deployment', name: 'example-service' },
      service: 'example-service',
      port: 80,
    },
    header: { name: 'x-telepresence-intercept-id', value: `${uid}:example-service` },
    ingress: { host: 'traefik.kube-system', port: 80, tls: false, l5host: 'dev.example.org' },
    public: false,
  };
}

export function testIntercept(uid: string, change: Partial<CloudIntercept> = {}): CloudIntercept {
  return {
    uid,
    namespace: 'default',
    object: `example-service-${uid.slice(0, 8)}`,
    name: 'example-service',
    user: 'ada@example.com',
    hostname: 'ada-laptop',
    workload: { kind: 'Deployment', name: 'example-service' },
    service: 'example-service',
    port: 80,
    mechanism: 'http',
    phase: 'Active',
    since: new Date().toISOString(),
    ...change,
  };
}

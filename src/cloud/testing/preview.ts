/** A public preview with its link, and an ingress that each test chooses anew. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { CloudIntercept } from '../../protocol/cloud.ts';
import type { Cluster, Organisation, Preview, User } from '../store/index.ts';
import { type Answer, type Ask, ask } from './browser-less.ts';
import { startTestCloud, type TestCloud, testIntercept } from './cloud.ts';
import { startTestManager, type TestManager } from './manager.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

export interface PreviewBench {
  readonly cloud: TestCloud;
  readonly owner: { user: User; organisation: Organisation };
  readonly cluster: Cluster;
  readonly preview: Preview & { host: string; url: string };
  manager: TestManager;
  /** The manager resets what it should dial, with this reason. */
  reset: string | undefined;
  ingress(handler: Handler | Server): Promise<Server>;
  rawIngress(onSocket: (socket: Socket) => void): Promise<TcpServer>;
  get(path?: string, more?: Partial<Ask>): Promise<Answer>;
  link(): Promise<TestManager>;
  intercept(change?: Partial<CloudIntercept>): CloudIntercept;
  /** Takes the ingress away and waits until the proxy keeps no connection to it. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const until = async (met: () => boolean | Promise<boolean>): Promise<void> => {
  for (let wait = 1; !(await met()); wait = Math.min(wait * 2, 50)) await new Promise((resolve) => setTimeout(resolve, wait));
};

export async function startPreviewBench(settings: Record<string, unknown> = {}): Promise<PreviewBench> {
  const cloud = await startTestCloud(settings);
  const owner = await cloud.person('Ada');
  const { cluster, token } = await cloud.cluster(owner);
  const preview = await cloud.preview(owner, cluster, {
    public: true,
    ingress: { host: 'traefik.kube-system', port: 443, tls: true, l5host: 'dev.example.org' },
  });
  const servers: (Server | TcpServer)[] = [];
  const sockets = new Set<Socket>();
  let port = 0;
  const listening = <T extends Server | TcpServer>(server: T) =>
    new Promise<T>((resolve) => {
      servers.push(server);
      server.on('connection', (socket: Socket) => sockets.add(socket));
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve(server);
      });
    });
  const bench: Omit<PreviewBench, 'manager'> = {
    cloud,
    owner,
    cluster,
    preview,
    reset: undefined,
    ingress: (handler) => listening(typeof handler === 'function' ? createServer((req, res) => void handler(req, res)) : handler),
    rawIngress: (onSocket) => listening(createTcpServer(onSocket)),
    get: (path = '/', more = {}) => ask({ port: cloud.port, host: preview.host, path, ...more }),
    intercept: (change = {}) => testIntercept(preview.intercept.uid, change),
    async link() {
      const manager = await startTestManager({
        port: cloud.port,
        secure: cloud.config.secure,
        host: `localhost:${cloud.port}`,
        token,
        clusterUid: cluster.uid,
        intercepts: [bench.intercept()],
        dial: (_target, stream) => {
          if (bench.reset === undefined) return port;
          stream.reset(bench.reset);
          return undefined;
        },
      });
      await until(async () => ((await cloud.store.links.ofCluster(cluster.id))[0]?.listedAt ?? 0) > 0);
      return manager;
    },
    async clear() {
      bench.reset = undefined;
      for (const server of servers.splice(0)) server.close();
      const open = [...sockets];
      sockets.clear();
      for (const socket of open) socket.destroy();
      // The link's control stream is the one that stays.
      await until(() => /preview_streams [01]\n/.test(cloud.context.metrics.render()));
    },
    async close() {
      await whole.manager.close();
      await cloud.close();
    },
  };
  const whole: PreviewBench = Object.assign(bench, { manager: await bench.link() });
  return whole;
}

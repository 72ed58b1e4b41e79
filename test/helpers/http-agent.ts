/** An agent's HTTP port with a workstation behind a real mux, for tests: what each side listens on is up to the test. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { AppTarget } from '../../src/agent/app-target.ts';
import { HttpTaker } from '../../src/agent/http-taker.ts';
import type { SessionLinks } from '../../src/agent/links.ts';
import { TcpPort } from '../../src/agent/tcp-port.ts';
import { TlsPort } from '../../src/agent/tls-port.ts';
import { silentLog } from '../../src/base/log.ts';
import { createMux, type Mux, type MuxStream } from '../../src/mux/index.ts';
import type { AgentIntercept } from '../../src/protocol/tunnel.ts';
import { encodeStreamHeader, readStreamHeader, relay, resetReasonOf } from '../../src/tunnel/index.ts';

export interface HttpAgent {
  readonly port: number;
  readonly tcp: TcpPort;
  readonly taker: HttpTaker;
  /** Streams that were opened to the workstation. */
  readonly opened: number;
  /** Requests that each intercept took, by its uid. */
  readonly taken: ReadonlyMap<string, number>;
  /** Sets the port's intercepts; the workstation dials each one's own `port`. */
  set(intercepts: (Partial<AgentIntercept> & { port: number })[]): Map<string, string>;
  /** The session is held by some manager; true at first. */
  held: boolean;
  /** The workstation's tunnel breaks: every stream of it is lost. */
  lose(): void;
  close(): void;
}

/** @param tls folders of keys, as the injector writes them, of an app that speaks TLS */
export async function startHttpAgent(appPort: number, tls?: { certificate: string; client?: string }): Promise<HttpAgent> {
  const app = new AppTarget(appPort, '127.0.0.1');
  const tcp = await TcpPort.listen(0, app, silentLog);
  const ports = new Map<string, number>();
  const sockets = new Set<Socket>();
  const serve = async (stream: MuxStream) => {
    stream.on('error', () => {});
    const header = await readStreamHeader(stream);
    if (header.t !== 'intercept') return stream.reset('protocol');
    const socket = connect({ port: ports.get(header.intercept) as number, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const failed = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', resolve);
    });
    if (failed !== undefined) return stream.reset(resetReasonOf(failed));
    await relay(stream, socket);
    return undefined;
  };
  const workstation = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    createMux(socket, { role: 'server', log: silentLog, onStream: (stream) => void serve(stream).catch(() => stream.destroy()) });
  });
  await new Promise<void>((resolve) => workstation.listen(0, '127.0.0.1', resolve));
  const dial = (): Mux => {
    const socket = connect((workstation.address() as AddressInfo).port, '127.0.0.1');
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('error', () => {});
    return createMux(socket, { role: 'client', log: silentLog });
  };
  let mux = dial();
  let opened = 0;
  const taken = new Map<string, number>();
  const links: SessionLinks = {
    holds: () => agent.held,
    open: (intercept, peer) => {
      if (!agent.held) return undefined;
      opened++;
      return mux.open(encodeStreamHeader({ t: 'intercept', session: intercept.session, intercept: intercept.uid, protocol: 'TCP', peer }));
    },
    taken: ({ uid }) => void taken.set(uid, (taken.get(uid) ?? 0) + 1),
  };
  const taker = new HttpTaker(app, links, tls === undefined ? undefined : await TlsPort.open(tls, app));
  tcp.taker = taker;
  const agent: HttpAgent = {
    port: tcp.port,
    tcp,
    taker,
    held: true,
    taken,
    get opened() {
      return opened;
    },
    set: (intercepts) =>
      taker.routes.set(
        intercepts.map(({ port, ...more }, index) => {
          const intercept: AgentIntercept = {
            uid: `i${index}`,
            name: 'mine',
            session: 's1',
            containerPort: appPort,
            protocol: 'TCP',
            mechanism: 'http',
            fallback: false,
            proofHeader: true,
            plaintext: false,
            ...more,
          };
          ports.set(intercept.uid, port);
          return intercept;
        }),
      ),
    lose: () => {
      mux.abort(new Error('lost'));
      mux = dial();
    },
    close: () => {
      tcp.close();
      taker.close();
      workstation.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return agent;
}

/** Header filter of one header with one value. */
export function byHeader(name: string, exact: string): AgentIntercept['http'] {
  return { headers: [{ name, value: { exact } }], paths: [] };
}

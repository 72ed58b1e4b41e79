/**
 * Ways through the API server to a manager replica, tried in this order: the service proxy with an HTTP Upgrade, the same
 * as a WebSocket (for proxies that let nothing else through). What worked is remembered.
 */
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { TUNNEL_PORT_NAME, TUNNEL_SERVICE } from '../../protocol/resources.ts';
import { TUNNEL_HEADER, TUNNEL_PATH, UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';

export interface OpenedTransport {
  socket: Duplex;
  nonce: string;
  replica: string;
  version: string;
}

export interface TransportOptions {
  kube: Pick<KubeClient, 'upgrade' | 'websocket'>;
  managerNamespace: string;
  session: string;
  signal: AbortSignal;
  timeoutMs: number;
}

interface Transport {
  name: string;
  open(options: TransportOptions): Promise<OpenedTransport>;
}

const proxyPath = (namespace: string): string =>
  `${resourcePath('v1', 'services', namespace, `https:${TUNNEL_SERVICE}:${TUNNEL_PORT_NAME}`, 'proxy')}${TUNNEL_PATH}`;

/** What stands in the answer. @throws TP-TUNNEL-FAILED for whoever is not one of ours; the socket is destroyed then. */
export function openedTransport(socket: Duplex, headers: NodeJS.Dict<string | string[]>): OpenedTransport {
  const text = (name: string): string => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const nonce = text(TUNNEL_HEADER.nonce);
  if (nonce === '') {
    socket.destroy();
    throw new CodedError('TP-TUNNEL-FAILED', 'What answered at the tunnel’s port is no traffic-manager or traffic-agent of this version: it sent no nonce.');
  }
  return { socket, nonce, replica: text(TUNNEL_HEADER.replica), version: text(TUNNEL_HEADER.version) };
}

const TRANSPORTS: Transport[] = [
  {
    name: 'service proxy',
    async open({ kube, managerNamespace, session, signal, timeoutMs }) {
      const { socket, headers } = await kube.upgrade(proxyPath(managerNamespace), {
        protocol: UPGRADE_PROTOCOL,
        headers: { [TUNNEL_HEADER.session]: session },
        signal,
        timeoutMs,
      });
      return openedTransport(socket, headers);
    },
  },
  {
    name: 'service proxy (websocket)',
    async open({ kube, managerNamespace, session, signal, timeoutMs }) {
      const { socket, headers } = await kube.websocket(proxyPath(managerNamespace), { headers: { [TUNNEL_HEADER.session]: session }, signal, timeoutMs });
      return openedTransport(socket, headers);
    },
  },
];

/** Errors after which another way through the API server could still work. */
function anotherWayMayWork(error: unknown): boolean {
  const code = error instanceof CodedError ? error.code : undefined;
  return code === 'TP-KUBE-TIMEOUT' || code === 'TP-KUBE-UNREACHABLE' || code === 'TP-KUBE-API' || code === 'TP-TUNNEL-FAILED';
}

/** Remembers which way worked, and which were blocked at which hop. */
export class TransportChooser {
  readonly #log: Log;
  #chosen: Transport | undefined;
  #blocked: string[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  get name(): string | undefined {
    return this.#chosen?.name;
  }

  get blocked(): readonly string[] {
    return this.#blocked;
  }

  /** Opens a connection by the way that worked last, or by the first that works. Throws the first way's error when none does. */
  async open(options: TransportOptions): Promise<OpenedTransport> {
    if (this.#chosen !== undefined) return this.#chosen.open(options);
    const blocked: string[] = [];
    let first: unknown;
    for (const transport of TRANSPORTS) {
      try {
        const result = await transport.open(options);
        this.#chosen ??= transport;
        this.#blocked = blocked;
        return result;
      } catch (error) {
        options.signal.throwIfAborted();
        first ??= error;
        if (!anotherWayMayWork(error)) break;
        blocked.push(`${transport.name}: ${messageOf(error)}`);
        this.#log.warn('a way through the API server is blocked', { transport: transport.name, error });
      }
    }
    this.#blocked = blocked;
    throw first;
  }
}

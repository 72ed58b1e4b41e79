/** A traffic manager for tests: the real link with the real protocol, and an ingress that is chosen by the test. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { silentLog } from '../../base/log.ts';
import { createMux, type MuxStream } from '../../mux/index.ts';
import { type CloudIntercept, type EndIntercept, endInterceptSchema, LINK_PATH, type PreviewTarget } from '../../protocol/cloud.ts';
import { UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { createRpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader, relay, resetReasonOf } from '../../tunnel/index.ts';

export interface TestManagerOptions {
  port: number;
  /** The cloud speaks TLS. Its certificate is not looked at. */
  secure?: boolean;
  host: string;
  token: string;
  clusterUid: string;
  intercepts?: CloudIntercept[];
  /** Port of the ingress on 127.0.0.1, whatever the target says; or what becomes of the stream. */
  dial?: (target: PreviewTarget, stream: MuxStream) => number | undefined;
}

export interface TestManager {
  /** What was dialled, in order. */
  readonly targets: PreviewTarget[];
  /** What the cloud asked to end. Those leave the list. */
  readonly ended: EndIntercept[];
  list(intercepts: CloudIntercept[]): void;
  close(): Promise<void>;
}

function upgradeLink({ port, secure = false, host, token }: TestManagerOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const sent = (secure ? secureRequest : request)({
      rejectUnauthorized: false,
      host: '127.0.0.1',
      port,
      path: LINK_PATH,
      headers: { host, connection: 'Upgrade', upgrade: UPGRADE_PROTOCOL, authorization: `Bearer ${token}` },
    });
    sent.on('error', reject);
    sent.on('response', (response) => reject(new Error(`the link was refused: ${response.statusCode}`)));
    sent.on('upgrade', (_response, socket, head) => {
      socket.unshift(head);
      resolve(socket);
    });
    sent.end();
  });
}

export async function startTestManager(options: TestManagerOptions): Promise<TestManager> {
  const targets: PreviewTarget[] = [];
  const ended: EndIntercept[] = [];
  let intercepts = options.intercepts ?? [];

  const serve = async (stream: MuxStream): Promise<void> => {
    const header = await readStreamHeader(stream);
    if (header.t !== 'preview') return stream.reset('protocol');
    const { t: _, ...target } = header;
    targets.push(target);
    const port = options.dial === undefined ? target.port : options.dial(target, stream);
    if (port === undefined) return;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', (error) => stream.reset(resetReasonOf(error)));
    socket.on('connect', () => void relay(stream, socket));
  };
  const mux = createMux(await upgradeLink(options), {
    role: 'client',
    log: silentLog,
    onStream: (stream) => {
      stream.on('error', () => stream.destroy());
      serve(stream).catch(() => stream.reset('protocol'));
    },
  });
  const control = createRpcPeer(mux.open(encodeStreamHeader({ t: 'cloud-control' })), {
    log: silentLog,
    handlers: {
      'end-intercept': (params) => {
        const intercept = endInterceptSchema.parse(params);
        ended.push(intercept);
        list(intercepts.filter(({ uid }) => uid !== intercept.uid));
        return {};
      },
    },
  });
  const list = (changed: CloudIntercept[]): void => {
    intercepts = changed;
    control.notify('intercepts', { intercepts });
  };
  await control.call('hello', { version: '0.0.0', replica: `traffic-manager-${randomUUID().slice(0, 5)}`, cluster: { id: options.clusterUid } });
  list(intercepts);
  return {
    targets,
    ended,
    list,
    async close() {
      mux.abort(new Error('the test is over'));
      await mux.closed;
    },
  };
}

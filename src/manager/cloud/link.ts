/** One link: from the upgraded connection to its end. */
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import { createMux, type MuxStream } from '../../mux/index.ts';
import { type CloudIntercept, cloudWelcomeSchema, INTERCEPTS_DEBOUNCE_MS } from '../../protocol/cloud.ts';
import { createRpcPeer, type RpcHandler, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader } from '../../tunnel/index.ts';
import { CLOUD_CLOSE_MS, CLOUD_HELLO_TIMEOUT_MS, CLOUD_PING_MS, CLOUD_PING_TIMEOUT_MS, PREVIEW_STREAM_LIMIT } from './limits.ts';

export interface LinkOptions {
  log: Log;
  replica: string;
  clusterId: string;
  /** All intercepts as they are now, and what calls back when they change. */
  intercepts: { list(): CloudIntercept[]; subscribe(listener: () => void): () => void };
  endIntercept: RpcHandler;
  onPreview: (stream: MuxStream) => void;
  onUp: () => void;
  /** Ends the link. */
  signal: AbortSignal;
}

/** Serves one connection until it ends; resolves with why. Never rejects. */
export async function serveLink(socket: Socket, options: LinkOptions): Promise<string> {
  const { log, signal } = options;
  const mux = createMux(socket, { role: 'client', log, maxStreams: PREVIEW_STREAM_LIMIT, onStream: options.onPreview });
  const ended = new AbortController();
  let rpc: RpcPeer | undefined;
  const stop = (): void => {
    rpc?.close();
    void mux.close({ signal: AbortSignal.timeout(CLOUD_CLOSE_MS) });
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let why = 'the cloud ended the link';
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  try {
    const control = createRpcPeer(mux.open(encodeStreamHeader({ t: 'cloud-control' })), { log, handlers: { 'end-intercept': options.endIntercept } });
    rpc = control;
    const hello = { version: VERSION, replica: options.replica, cluster: { id: options.clusterId } };
    const { version } = cloudWelcomeSchema.parse(await control.call('hello', hello, { timeoutMs: CLOUD_HELLO_TIMEOUT_MS }));
    log.info('linked to the cloud', { version });
    options.onUp();
    const tell = (): void => {
      timer = undefined;
      control.notify('intercepts', { intercepts: options.intercepts.list() });
    };
    unsubscribe = options.intercepts.subscribe(() => (timer ??= setTimeout(tell, INTERCEPTS_DEBOUNCE_MS)));
    tell();
    void control.closed.then(() => mux.abort(new Error('the control stream ended')));
    void keepAlive(mux, ended.signal);
    const error = await mux.closed;
    if (mux.goneAway !== undefined) why = mux.goneAway;
    else if (error !== undefined) why = messageOf(error);
  } catch (error) {
    why = messageOf(error);
    mux.abort(new Error('the link could not be set up'));
    await mux.closed;
  } finally {
    ended.abort();
    clearTimeout(timer);
    unsubscribe?.();
    signal.removeEventListener('abort', stop);
  }
  return why;
}

/** TCP alone takes minutes to notice that a silent line is dead. */
async function keepAlive(mux: ReturnType<typeof createMux>, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      await wait(CLOUD_PING_MS, undefined, { signal, ref: false });
      await mux.ping({ signal: AbortSignal.any([signal, AbortSignal.timeout(CLOUD_PING_TIMEOUT_MS)]) });
    }
  } catch (error) {
    if (!signal.aborted) mux.abort(new Error(`the cloud does not answer: ${messageOf(error)}`));
  }
}

/** Connections of previews: a stream from the cloud, an ingress in the cluster, TLS to it where it is wanted, bytes both ways. */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { ResetReason, StreamHeader } from '../../protocol/tunnel.ts';
import { readStreamHeader, relay, resetReasonOf } from '../../tunnel/index.ts';
import type { DialPolicy } from '../outbound/policy.ts';
import { createSlots } from '../outbound/quota.ts';
import { dial } from '../outbound/tcp.ts';
import { INGRESS_NAME_TTL_MS, INGRESS_NAMES_LIMIT, PREVIEW_DIAL_LIMIT, PREVIEW_DIAL_TIMEOUT_MS, PREVIEW_HEADER_TIMEOUT_MS } from './limits.ts';

type PreviewTarget = Extract<StreamHeader, { t: 'preview' }>;

export interface PreviewOptions {
  log: Log;
  policy: () => DialPolicy;
  onEnd: (outcome: 'done' | ResetReason, bytes: { up: number; down: number }) => void;
  /** Addresses of a name, as the cluster's DNS knows it; tests replace it. */
  resolve?: (host: string) => Promise<string[]>;
}

class Forbidden extends Error {
  readonly code = 'EACCES';
}

/** Serves streams that the cloud opens; whatever goes wrong resets that stream only. */
export function createPreviews(options: PreviewOptions): (stream: MuxStream) => void {
  const { log, policy, onEnd } = options;
  const resolve = options.resolve ?? remembered(async (host) => (await lookup(host, { all: true })).map(({ address }) => address));
  const dials = createSlots(PREVIEW_DIAL_LIMIT);

  async function open(target: PreviewTarget, signal: AbortSignal): Promise<Duplex> {
    const addresses = isIP(target.host) === 0 ? await resolve(target.host) : [target.host];
    const allowed = addresses.flatMap((address) => policy().permit(address) ?? []);
    const [address] = allowed;
    if (address === undefined)
      throw addresses.length === 0 ? Object.assign(new Error('no address'), { code: 'ENOTFOUND' }) : new Forbidden(`${target.host} is not of the cluster`);
    const socket = await dial(address, target.port, { signal, timeoutMs: PREVIEW_DIAL_TIMEOUT_MS });
    return target.tls ? secure(socket, target, signal) : socket;
  }

  async function serve(stream: MuxStream): Promise<void> {
    const header = await readStreamHeader(stream, { timeoutMs: PREVIEW_HEADER_TIMEOUT_MS });
    if (header.t !== 'preview') {
      stream.reset('protocol');
      return;
    }
    const gone = new AbortController();
    const stop = (): void => gone.abort(new Error('the stream ended'));
    stream.once('close', stop);
    let release: (() => void) | undefined;
    let ingress: Duplex;
    try {
      release = await dials.take(gone.signal);
      ingress = await open(header, AbortSignal.any([gone.signal, AbortSignal.timeout(PREVIEW_DIAL_TIMEOUT_MS)]));
    } catch (error) {
      const reason = reasonOf(error);
      log.debug('an ingress could not be reached', { host: header.host, port: header.port, reason, error: messageOf(error) });
      if (!stream.destroyed) stream.reset(reason);
      onEnd(reason, { up: 0, down: 0 });
      return;
    } finally {
      release?.();
      stream.removeListener('close', stop);
    }
    const { aToB, bToA, error } = await relay(stream, ingress);
    onEnd(error === undefined ? 'done' : 'aborted', { up: bToA, down: aToB });
  }

  return (stream) => {
    stream.on('error', (error) => log.trace('a preview stream failed', { error: messageOf(error) }));
    serve(stream).catch((error: unknown) => {
      log.debug('a preview stream was refused', { error: messageOf(error) });
      if (!stream.destroyed) stream.reset('protocol');
    });
  };
}

function reasonOf(error: unknown): ResetReason {
  return error instanceof DOMException && error.name === 'TimeoutError' ? 'timeout' : resetReasonOf(error);
}

/** The ingress's certificate counts only where the user gave a CA: by default nobody knows which one it should be. */
function secure(socket: Socket, target: PreviewTarget, signal: AbortSignal): Promise<TLSSocket> {
  const name = target.sni ?? target.host;
  return new Promise((resolve, reject) => {
    const stop = (): void => void tls.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    const tls = connectTls({
      socket,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ALPNProtocols: ['http/1.1'],
      ...(target.ca === undefined ? { rejectUnauthorized: false } : { rejectUnauthorized: true, ca: target.ca }),
    });
    // stays for the connection's life: a late error must not end the process
    tls.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      reject(error);
    });
    tls.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      resolve(tls);
    });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** Believes an answer for a while, so that a busy preview does not ask for each request. */
function remembered(ask: (host: string) => Promise<string[]>): (host: string) => Promise<string[]> {
  const known = new Map<string, { at: number; answer: Promise<string[]> }>();
  return (host) => {
    const found = known.get(host);
    if (found !== undefined && performance.now() - found.at < INGRESS_NAME_TTL_MS) return found.answer;
    const answer = ask(host);
    known.delete(host);
    known.set(host, { at: performance.now(), answer });
    answer.catch(() => known.delete(host));
    const [oldest] = known.keys();
    if (known.size > INGRESS_NAMES_LIMIT && oldest !== undefined) known.delete(oldest);
    return answer;
  };
}

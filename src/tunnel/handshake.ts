import type { Duplex } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { createMux, type Mux, type MuxStream } from '../mux/index.ts';
import { HELLO_LIMIT, type Hello, helloSchema } from '../protocol/tunnel.ts';
import { HELLO_TIMEOUT_MS } from './limits.ts';
import { readHead, TunnelProtocolError } from './read-head.ts';
import { nonceText, type ProofFor } from './session-keys.ts';

export interface StartTunnelOptions {
  /** From the header of the 101. */
  nonce: string;
  session: { name: string; uid: string };
  kind: Hello['kind'];
  /** Whom the proof is for; a manager when it is not said. */
  to?: ProofFor;
  /** Signs with the session's key; base64. */
  sign: (text: string) => string;
  version: string;
  capabilities?: string[];
  log: Log;
  onStream: (stream: MuxStream) => void;
}

/**
 * The daemon's end, after the 101: writes the hello and starts the mux without waiting. A manager that refuses says why with
 * GOAWAY: `mux.goneAway`, before `mux.closed`.
 */
export function startTunnel(socket: Duplex, options: StartTunnelOptions): Mux {
  const { nonce, session, kind, version, log, onStream } = options;
  const signature = options.sign(nonceText(nonce, session.uid, options.to));
  const hello: Hello = { version, session, kind, signature, capabilities: options.capabilities ?? [] };
  socket.write(`${JSON.stringify(hello)}\n`);
  return createMux(socket, { role: 'client', log, onStream });
}

export interface AcceptTunnelOptions {
  nonce: string;
  /** Throws to refuse; the message is told to the daemon. */
  verify: (hello: Hello) => Promise<void>;
  log: Log;
  onStream: (stream: MuxStream) => void;
  timeoutMs?: number;
}

/** The manager's or agent's end: reads the hello, lets `verify` judge it, and only then starts the mux. Rejects when it was refused; the socket is ended then. */
export async function acceptTunnel(socket: Duplex, options: AcceptTunnelOptions): Promise<{ mux: Mux; hello: Hello }> {
  const { verify, log, onStream } = options;
  const onError = (error: Error) => log.debug('a tunnel failed before it stood', { error: error.message });
  socket.on('error', onError);
  try {
    const hello = await readHead(socket, parseHello, { timeoutMs: options.timeoutMs ?? HELLO_TIMEOUT_MS, what: 'the hello line' });
    await verify(hello);
    const mux = createMux(socket, { role: 'server', log, onStream });
    socket.off('error', onError);
    return { mux, hello };
  } catch (error) {
    refuse(socket, messageOf(error), log);
    throw error;
  }
}

/** Ends a connection with a GOAWAY that says why. */
function refuse(socket: Duplex, reason: string, log: Log): void {
  if (socket.destroyed) return;
  const mux = createMux(socket, { role: 'server', log });
  mux.goAway(reason);
  mux
    .close({ signal: AbortSignal.timeout(HELLO_TIMEOUT_MS) })
    .catch((error: unknown) => log.debug('a refused tunnel did not end', { error: messageOf(error) }));
  log.debug('a tunnel was refused', { reason });
}

function parseHello(bytes: Buffer): { value: Hello; used: number } | undefined {
  const end = bytes.indexOf(10);
  if (end > HELLO_LIMIT || (end === -1 && bytes.length > HELLO_LIMIT)) throw new TunnelProtocolError(`the hello line is longer than ${HELLO_LIMIT} bytes`);
  if (end === -1) return undefined;
  try {
    return { value: helloSchema.parse(JSON.parse(bytes.toString('utf8', 0, end))), used: end + 1 };
  } catch (error) {
    throw new TunnelProtocolError(`bad hello line: ${messageOf(error)}`);
  }
}

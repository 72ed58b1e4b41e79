import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { join, relay } from '../tunnel/index.ts';
import type { AppTarget } from './app-target.ts';
import { SPLICE_BOUND, SPLICE_BUFFER_FIRST, SPLICE_BUFFER_MAX } from './limits.ts';

/** Which direction was read last, and how often one was: tells whether a connection is idle. */
interface SpliceState {
  reads: number;
  last: Pump | undefined;
}

/** A connection that is being spliced. */
export interface Splice {
  /** Grows while bytes pass. */
  readonly reads: number;
  /** The app has spoken last, or nobody yet, and all was written: nobody seems to wait for an answer. */
  readonly answered: boolean;
  /** Ends both sides in order. */
  end(): void;
}

/**
 * Reads of one socket, written straight into another out of one buffer that is used again as soon as the kernel has taken its bytes:
 * no allocation and no stream machinery per read.
 */
class Pump {
  /** What both directions of one connection know. */
  readonly splice: SpliceState;
  source: Socket | undefined;
  sink: Socket | undefined;
  readonly onread: OnReadOpts = { buffer: () => this.#next(), callback: (bytes, buffer) => this.#read(bytes, buffer) };
  #size = SPLICE_BUFFER_FIRST;
  #buffer: Buffer | undefined;

  constructor(splice: SpliceState) {
    this.splice = splice;
  }

  #next(): Buffer {
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#size);
    return this.#buffer;
  }

  #read(bytes: number, buffer: Uint8Array): boolean {
    const { sink, source } = this;
    if (sink === undefined || source === undefined || sink.destroyed || sink.writableEnded) return true;
    this.splice.reads++;
    this.splice.last = this;
    sink.write(buffer.subarray(0, bytes));
    const waiting = sink.writableLength;
    // Still the sink's until it is written: the next read gets another one.
    if (waiting > 0) this.#buffer = undefined;
    if (bytes === this.#size && bytes < SPLICE_BUFFER_MAX) {
      this.#size = Math.min(bytes * 4, SPLICE_BUFFER_MAX);
      this.#buffer = undefined;
    }
    if (waiting < SPLICE_BOUND) return true;
    sink.once('drain', () => source.resume());
    return false;
  }
}

/**
 * Joins an accepted, paused connection with the app. The accepted socket's handle moves into a socket that reads into a {@link Pump}:
 * Node offers that for outgoing connections only. Where the handle isn't there, an ordinary relay does the same more slowly.
 * Resolves when both are closed; never rejects. A client of an app that listens nowhere is reset, as without an agent.
 * @param onAnswered called when the app has ended its direction and the client was handed all of it
 * @param open holds the connection while it is being spliced
 */
export async function spliceToApp(accepted: Socket, app: AppTarget, onAnswered?: () => void, open?: Set<Splice>): Promise<void> {
  const state: SpliceState = { reads: 0, last: undefined };
  const toClient = new Pump(state);
  const toApp = new Pump(state);
  const client = moveHandle(accepted, toApp.onread);
  let target: Socket;
  // Until the two are joined, a failure of either shows as a closed socket.
  const ignore = () => {};
  client.on('error', ignore);
  if (onAnswered !== undefined) client.on('finish', onAnswered);
  try {
    target = await app.dial(client === accepted ? {} : { onread: toClient.onread });
  } catch {
    client.resetAndDestroy();
    return;
  }
  if (client === accepted) {
    await relay(client, target);
    return;
  }
  toApp.source = client;
  toApp.sink = target;
  toClient.source = target;
  toClient.sink = client;
  client.on('end', () => target.end());
  target.on('end', () => client.end());
  const over = join(client, target);
  const splice: Splice = {
    get reads() {
      return state.reads;
    },
    get answered() {
      return state.last !== toApp && client.writableLength === 0 && target.writableLength === 0;
    },
    end: () => {
      client.end();
      target.end();
    },
  };
  open?.add(splice);
  client.resume();
  target.resume();
  await over;
  open?.delete(splice);
}

/** The accepted socket's connection in a new socket that reads by `onread`; the accepted one itself where that can't be done. */
export function moveHandle(accepted: Socket, onread: OnReadOpts): Socket {
  const shell = accepted as unknown as { _handle?: object | null };
  const handle = shell._handle;
  if (handle === undefined || handle === null || !('useUserBuffer' in handle)) return accepted;
  shell._handle = null;
  const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  // Gives the server its connection count back.
  accepted.destroy();
  return socket;
}

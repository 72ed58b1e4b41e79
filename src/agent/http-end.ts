import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ResetReason } from '../protocol/tunnel.ts';
import { resetStream } from '../tunnel/index.ts';
import { READ_BUFFER_FIRST, READ_BUFFER_MAX } from './http-limits.ts';
import { moveHandle } from './splice.ts';

/** What happens at an {@link End}. */
export interface EndEvents {
  /** Bytes came. They are the read buffer's own: valid during the call, and longer only if a write took them with `from`. */
  bytes(chunk: Buffer): void;
  /** The peer sends no more. */
  ended(): void;
  /** What waited was written. */
  drained(): void;
  /** It is over, once. */
  closed(error: Error | undefined): void;
}

/** Where the app answers. */
export interface App {
  /** @param options for the reads of a plain connection; one with TLS has its own way */
  dial(options?: { onread?: OnReadOpts }): Promise<Socket>;
}

/** Reads of a socket into one buffer that is used again, unless its bytes still wait to be written somewhere. */
class Reads {
  receive: ((chunk: Buffer) => void) | undefined;
  kept = false;
  readonly onread: OnReadOpts = { buffer: () => this.#next(), callback: (bytes, buffer) => this.#read(bytes, buffer as Buffer) };
  #size = READ_BUFFER_FIRST;
  #buffer: Buffer | undefined;

  #next(): Buffer {
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#size);
    return this.#buffer;
  }

  #read(bytes: number, buffer: Buffer): boolean {
    this.kept = false;
    this.receive?.(buffer.subarray(0, bytes));
    if (this.kept) this.#buffer = undefined;
    if (bytes === this.#size && bytes < READ_BUFFER_MAX) {
      this.#size = Math.min(bytes * 4, READ_BUFFER_MAX);
      this.#buffer = undefined;
    }
    return true;
  }
}

/** One of the connections that meet in the agent: the client's, the app's, or a stream to the workstation. */
export class End {
  events: EndEvents | undefined;
  readonly stream: Duplex;
  readonly #reads: Reads | undefined;

  constructor(stream: Duplex, reads?: Reads) {
    this.stream = stream;
    this.#reads = reads;
    stream.allowHalfOpen = true;
    stream.on('error', () => {});
    stream.on('end', () => this.events?.ended());
    stream.on('drain', () => this.events?.drained());
    stream.once('close', () => this.events?.closed(stream.errored ?? undefined));
    if (reads === undefined) stream.on('data', (chunk: Buffer) => this.events?.bytes(chunk));
    else reads.receive = (chunk) => this.events?.bytes(chunk);
  }

  /** An accepted connection; paused. */
  static accepted(socket: Socket): End {
    if (socket instanceof TLSSocket) {
      socket.pause();
      return new End(socket);
    }
    const reads = new Reads();
    const moved = moveHandle(socket, reads.onread);
    const end = new End(moved, moved === socket ? undefined : reads);
    end.pause();
    return end;
  }

  /** A new connection to the app. */
  static async dial(app: App): Promise<End> {
    const reads = new Reads();
    const socket = await app.dial({ onread: reads.onread });
    return new End(socket, socket instanceof TLSSocket ? undefined : reads);
  }

  /** Bytes that wait to be written. */
  get waiting(): number {
    return this.stream.writableLength;
  }

  /** @param from whose read buffer the bytes are */
  write(chunk: Buffer, from: End | undefined): void {
    const { stream } = this;
    if (stream.destroyed || stream.writableEnded || chunk.length === 0) return;
    stream.write(chunk);
    if (stream.writableLength > 0) from?.keep();
  }

  /** Several pieces in one system call. */
  writeAll(chunks: Buffer[], from: End | undefined): void {
    const { stream } = this;
    if (stream.destroyed || stream.writableEnded) return;
    stream.cork();
    for (const chunk of chunks) if (chunk.length > 0) stream.write(chunk);
    stream.uncork();
    if (stream.writableLength > 0) from?.keep();
  }

  /** The bytes that are being read are needed after the call. */
  keep(): void {
    if (this.#reads !== undefined) this.#reads.kept = true;
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    if (!this.stream.destroyed) this.stream.resume();
  }

  end(): void {
    if (!this.stream.writableEnded) this.stream.end();
  }

  /** Ends it so that the peer sees a failure. */
  reset(reason: ResetReason = 'aborted'): void {
    resetStream(this.stream, reason);
  }

  destroy(): void {
    this.stream.destroy();
  }
}

/** Why a workstation's side reset its stream; undefined: it did not, or the connection is another's. */
export function whyReset(stream: Duplex): string | undefined {
  return 'resetReason' in stream ? (stream as { resetReason?: string }).resetReason : undefined;
}

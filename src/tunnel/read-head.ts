import type { Duplex } from 'node:stream';

/** The peer's first bytes break the protocol, came too late or not at all. */
export class TunnelProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TunnelProtocolError';
  }
}

export interface ReadHeadOptions {
  signal?: AbortSignal;
  timeoutMs: number;
  /** Names what is read in errors. */
  what: string;
}

/** Looks at all bytes so far: undefined when more are needed. Throws when they can't become a head. */
export type ParseHead<T> = (bytes: Buffer) => { value: T; used: number } | undefined;

/** Reads a head off a stream that nobody reads yet; what comes behind it stays readable there. The stream is left to the caller also on failure. */
export async function readHead<T>(stream: Duplex, parse: ParseHead<T>, options: ReadHeadOptions): Promise<T> {
  let bytes: Buffer = Buffer.alloc(0);
  const until = performance.now() + options.timeoutMs;
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const head = parse(bytes);
      if (head !== undefined) {
        // In the same turn as the read: afterwards an ended stream would have said so and could take nothing back.
        if (head.used < bytes.length) stream.unshift(bytes.subarray(head.used));
        return head.value;
      }
      continue;
    }
    await readable(stream, until, options);
  }
}

function readable(stream: Duplex, until: number, options: ReadHeadOptions): Promise<void> {
  const { signal, what } = options;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (error: unknown) => {
      stream.off('readable', onReadable);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      stream.off('error', onError);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onReadable = () => settle(undefined);
    const onEnd = () => settle(new TunnelProtocolError(`the connection ended before ${what}`));
    const onError = (error: Error) => settle(error);
    const onDeadline = () => settle(new TunnelProtocolError(`${what} did not come within ${options.timeoutMs} ms`));
    const onAbort = () => settle(signal?.reason);
    if (signal?.aborted) return onAbort();
    if (stream.destroyed || stream.readableEnded) return onEnd();
    // A timer of its own, which ends with it: a time-out's AbortSignal lives on until it is due, and streams may come in thousands.
    timer = setTimeout(onDeadline, Math.max(1, until - performance.now()));
    stream.on('readable', onReadable);
    stream.on('end', onEnd);
    stream.on('close', onEnd);
    stream.on('error', onError);
    signal?.addEventListener('abort', onAbort);
  });
}

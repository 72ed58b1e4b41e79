/**
 * Buffers that have carried their bytes on. Each is a few words of V8's heap and up to 64 KiB outside of it, so V8, whose heap looks empty, keeps
 * 64 MiB of them, and memory that was written long ago is written anew in place of what the processor still has in its caches.
 */
import { SPENT_BYTES } from './limits.ts';

/** Returns what counts bytes that were carried: each time that SPENT_BYTES have, `collect` is called. */
export function spentBuffers(collect: () => void): (bytes: number) => void {
  let carried = 0;
  return (bytes) => {
    carried += bytes;
    if (carried < SPENT_BYTES) return;
    carried = 0;
    collect();
  };
}

/** Node has `gc` where it was started with --expose-gc (src/base/node-flags.ts); elsewhere V8 collects when it thinks fit. */
const { gc } = globalThis;

/** For all sessions of the process: the heap is one. */
export const countCarried = spentBuffers(gc === undefined ? () => undefined : () => gc({ type: 'minor' }));

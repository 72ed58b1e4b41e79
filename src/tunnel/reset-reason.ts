import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { codeOf } from '../base/errors.ts';
import { MuxResetError, type MuxStream } from '../mux/index.ts';
import { RESET_REASONS, type ResetReason } from '../protocol/tunnel.ts';

const BY_CODE: Record<string, ResetReason> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'unreachable',
  ETIMEDOUT: 'timeout',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EMFILE: 'overload',
  ENFILE: 'overload',
  ENOBUFS: 'overload',
};

/** What to tell the other side of a relay when one side failed with `error`. */
export function resetReasonOf(error: unknown): ResetReason {
  if (error instanceof MuxResetError) return RESET_REASONS.find((reason) => reason === error.reason) ?? 'aborted';
  return BY_CODE[codeOf(error) ?? ''] ?? 'aborted';
}

/** Ends a connection so that its peer sees a failure, not an orderly end: a mux RST with the reason, a TCP RST, else destruction. */
export function resetStream(stream: Duplex, reason: ResetReason): void {
  if (stream.destroyed) return;
  if ('reset' in stream && typeof stream.reset === 'function') (stream as MuxStream).reset(reason);
  else if (stream instanceof Socket && !('encrypted' in stream)) stream.resetAndDestroy();
  else stream.destroy();
}

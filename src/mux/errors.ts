/** What can go wrong with a session (`MuxError`) and with one stream (`MuxResetError`). */

export type MuxErrorCode = 'closed' | 'too-many-streams' | 'protocol' | 'lost';

export class MuxError extends Error {
  readonly code: MuxErrorCode;
  constructor(code: MuxErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MuxError';
    this.code = code;
  }
}

/** The stream was reset, by the peer or here; `reason` is what the RST carried. */
export class MuxResetError extends Error {
  readonly code = 'reset';
  readonly reason: string;
  constructor(reason: string) {
    super(`stream reset: ${reason}`);
    this.name = 'MuxResetError';
    this.reason = reason;
  }
}

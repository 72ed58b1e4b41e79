/** What decoding and encoding throw: the bytes, or the value, are no DNS message. Never shown to a user as it is. */
export class DnsFormatError extends Error {
  readonly code = 'dns-format';
  constructor(message: string) {
    super(message);
    this.name = 'DnsFormatError';
  }
}

export type DnsQueryErrorCode = 'timeout' | 'closed' | 'overload' | 'aborted';

/** Why a query to a resolver brought no answer. */
export class DnsQueryError extends Error {
  readonly code: DnsQueryErrorCode;
  constructor(code: DnsQueryErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DnsQueryError';
    this.code = code;
  }
}

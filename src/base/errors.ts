/**
 * Coded errors. Everything a user can meet is a {@link CodedError} with a code from {@link ERROR_CODES};
 * anything else that reaches a program's printer is a bug of ours and is printed as such.
 * `docs/errors.md` lists the same codes; a test holds the two equal.
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export interface ErrorJson {
  code: ErrorCode;
  message: string;
  help?: string;
}

export interface CodedErrorOptions {
  /** What the user can do about it: one or two sentences. Defaults to the help text of the code. */
  help?: string;
  cause?: unknown;
}

export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly help: string;

  /** @param message what went wrong and where: a full sentence without the code. */
  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.help = options.help ?? ERROR_CODES[code];
  }

  toJSON(): ErrorJson {
    return { code: this.code, message: this.message, help: this.help };
  }

  static fromJSON(json: ErrorJson): CodedError {
    const code = json.code in ERROR_CODES ? json.code : 'TP-INTERNAL';
    return new CodedError(code, json.message, json.help === undefined ? {} : { help: json.help });
  }

  /** Wraps whatever was thrown: coded errors pass, others become `TP-INTERNAL`. */
  static from(thrown: unknown): CodedError {
    if (thrown instanceof CodedError) return thrown;
    return new CodedError('TP-INTERNAL', messageOf(thrown), { cause: thrown });
  }
}

/** The sentence of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node or coded error, if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}

import { CodedError, type ErrorJson } from '../base/errors.ts';

/** One line of the rpc, told apart by the keys that are there. */
export type RpcMessage =
  | { kind: 'call'; id: number; method: string; params: unknown }
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'error'; id: number; error: CodedError }
  | { kind: 'notify'; method: string; params: unknown }
  | { kind: 'cancel'; id: number };

/** Throws when the line is no message. Unknown keys are ignored. */
export function parseMessage(line: string): RpcMessage {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object');
  const { id, method, params, result, error, cancel } = value as Record<string, unknown>;
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notify', method, params };
    if (typeof id === 'number') return { kind: 'call', id, method, params };
  } else if (typeof cancel === 'number') {
    return { kind: 'cancel', id: cancel };
  } else if (typeof id === 'number') {
    return error === undefined ? { kind: 'result', id, result } : { kind: 'error', id, error: parseError(error) };
  }
  throw new TypeError('neither call, answer nor notification');
}

/** An error as it came over the wire; whatever it is, a CodedError comes out. */
export function parseError(value: unknown): CodedError {
  const { code, message, help } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const json: ErrorJson = {
    code: (typeof code === 'string' ? code : 'TP-INTERNAL') as ErrorJson['code'],
    message: typeof message === 'string' ? message : 'the other side failed without a reason',
  };
  if (typeof help === 'string') json.help = help;
  return CodedError.fromJSON(json);
}

import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { RPC_CALLS_LIMIT, RPC_LINE_LIMIT, RPC_LINGER_MS, RPC_UNSENT_LIMIT } from './limits.ts';
import { createLineSplitter } from './lines.ts';
import { parseMessage, type RpcMessage } from './message.ts';

/** Answers a call. `signal` aborts when the caller cancels or is gone. A CodedError that it throws reaches the caller as it is. */
export type RpcHandler = (params: unknown, context: { signal: AbortSignal }) => unknown;

export interface RpcPeerOptions {
  log: Log;
  handlers?: Record<string, RpcHandler>;
  onNotify?: Record<string, (params: unknown) => void>;
}

export interface RpcPeer {
  /** Rejects with the handler's CodedError, with RpcClosedError when the connection ends first, RpcTimeoutError, or the signal's reason. */
  call(method: string, params: unknown, options?: { signal?: AbortSignal; timeoutMs?: number }): Promise<unknown>;
  /** Sends and forgets; nothing happens when the connection is closed. */
  notify(method: string, params: unknown): void;
  /** Resolves when it is over, never rejects; undefined: a clean end. */
  readonly closed: Promise<Error | undefined>;
  close(): void;
}

export class RpcClosedError extends Error {
  constructor(cause?: Error) {
    super(cause === undefined ? 'the connection was closed' : `the connection was lost: ${cause.message}`, cause === undefined ? undefined : { cause });
    this.name = 'RpcClosedError';
  }
}

export class RpcTimeoutError extends Error {
  constructor(method: string, ms: number) {
    super(`${method} was not answered within ${ms} ms`);
    this.name = 'RpcTimeoutError';
  }
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** What is the object's own: a peer may name any method, `constructor` too. */
const named = <T>(table: Record<string, T>, method: string): T | undefined => (Object.hasOwn(table, method) ? table[method] : undefined);

export class NdjsonPeer implements RpcPeer {
  readonly closed: Promise<Error | undefined>;
  #stream: Duplex;
  #log: Log;
  #handlers: Record<string, RpcHandler>;
  #onNotify: Record<string, (params: unknown) => void>;
  #nextId = 1;
  #pending = new Map<number, Pending>();
  #running = new Map<number, AbortController>();
  #over = false;
  #settle: (error: Error | undefined) => void;

  constructor(stream: Duplex, options: RpcPeerOptions) {
    this.#stream = stream;
    this.#log = options.log;
    this.#handlers = options.handlers ?? {};
    this.#onNotify = options.onNotify ?? {};
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.#settle = resolve;
    const lines = createLineSplitter(RPC_LINE_LIMIT, (line) => this.#line(line));
    stream.on('error', (error) => this.#end(error));
    stream.on('close', () => this.#end(new RpcClosedError()));
    stream.on('end', () => this.#end(undefined));
    stream.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      try {
        lines.push(chunk);
      } catch (error) {
        this.#fail(new Error(`bad rpc message: ${messageOf(error)}`));
      }
    });
    if (stream.destroyed) this.#end(new RpcClosedError());
    else stream.resume();
  }

  call(method: string, params: unknown, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<unknown> {
    const { signal, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new RpcClosedError());
      if (signal?.aborted) return reject(signal.reason);
      const id = this.#nextId++;
      const clean = () => {
        this.#pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const cancel = (reason: unknown) => {
        clean();
        this.#send({ cancel: id });
        reject(reason);
      };
      const onAbort = () => cancel(signal?.reason);
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => cancel(new RpcTimeoutError(method, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (result) => {
          clean();
          resolve(result);
        },
        reject: (error) => {
          clean();
          reject(error);
        },
      });
      const refused = this.#send({ id, method, params: params ?? {} });
      if (refused !== undefined) this.#pending.get(id)?.reject(refused);
    });
  }

  notify(method: string, params: unknown): void {
    const refused = this.#send({ method, params: params ?? {} });
    if (refused !== undefined) this.#log.error('a notification could not be sent', { method, error: refused.message });
  }

  close(): void {
    this.#end(undefined);
  }

  /** Returns why the message can't be sent, if so. */
  #send(message: Record<string, unknown>): Error | undefined {
    if (this.#stream.writableEnded || this.#stream.destroyed) return undefined;
    const line = `${JSON.stringify(message)}\n`;
    if (line.length > RPC_LINE_LIMIT) return new RangeError(`an rpc message of ${line.length} bytes is over the limit of ${RPC_LINE_LIMIT}`);
    this.#stream.write(line);
    if (this.#stream.writableLength > RPC_UNSENT_LIMIT) this.#fail(new Error('the peer does not read'));
    return undefined;
  }

  #line(line: string): void {
    if (this.#over || line === '') return;
    const message = parseMessage(line);
    switch (message.kind) {
      case 'call':
        void this.#answer(message);
        break;
      case 'result':
        this.#pending.get(message.id)?.resolve(message.result);
        break;
      case 'error':
        this.#pending.get(message.id)?.reject(message.error);
        break;
      case 'cancel':
        this.#running.get(message.id)?.abort(new CodedError('TP-CANCELLED', 'The caller cancelled.'));
        break;
      case 'notify':
        this.#notified(message.method, message.params);
    }
  }

  #notified(method: string, params: unknown): void {
    try {
      named(this.#onNotify, method)?.(params);
    } catch (error) {
      this.#log.error('a notification could not be handled', { method, error: messageOf(error) });
    }
  }

  async #answer(call: Extract<RpcMessage, { kind: 'call' }>): Promise<void> {
    const { id, method, params } = call;
    const controller = new AbortController();
    try {
      const handler = named(this.#handlers, method);
      if (handler === undefined) throw new CodedError('TP-UNSUPPORTED', `The other side doesn't know the call ${JSON.stringify(method.slice(0, 100))}.`);
      if (this.#running.size >= RPC_CALLS_LIMIT || this.#running.has(id)) throw new CodedError('TP-INTERNAL', 'Too many calls at once.');
      this.#running.set(id, controller);
      const result = await handler(params, { signal: controller.signal });
      const refused = this.#send({ id, result: result ?? {} });
      if (refused !== undefined) throw refused;
    } catch (error) {
      const coded = CodedError.from(error);
      if (coded.code === 'TP-INTERNAL' && !this.#over) this.#log.warn('a call failed', { method, error: coded });
      this.#send({ id, error: coded.toJSON() });
    } finally {
      if (this.#running.get(id) === controller) this.#running.delete(id);
    }
  }

  #fail(error: Error): void {
    this.#end(error);
    this.#stream.destroy();
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    for (const pending of [...this.#pending.values()]) pending.reject(new RpcClosedError(error));
    for (const controller of this.#running.values()) controller.abort(new RpcClosedError(error));
    this.#running.clear();
    this.#settle(error);
    if (this.#stream.destroyed) return;
    this.#stream.end();
    const timer = setTimeout(() => this.#stream.destroy(), RPC_LINGER_MS);
    this.#stream.once('close', () => clearTimeout(timer));
  }
}

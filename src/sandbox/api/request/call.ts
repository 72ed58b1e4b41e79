/** A request as the core sees it, wherever it came from, and what it answers. */
import type { UserInfo } from '../../contract.ts';
import type { ApiObject, JsonObject } from '../object.ts';
import type { Resource } from '../resources/registry.ts';
import type { Change } from '../store/collection.ts';

export interface ApiCall {
  user: UserInfo;
  /** Upper case. */
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** Of the body, without parameters; says which form a patch has. */
  contentType: string;
  /** Read and parsed. It is the callee's to change. */
  body: unknown;
  /** Who writes, for managed fields, when the query does not say: the first word of the user agent. */
  manager: string;
  /** Collects `Warning` headers. */
  warn(text: string): void;
}

export interface WatchAnswer {
  kind: 'watch';
  resource: Resource;
  /** Runs until `signal` fires. Each event is given in the turn of its write. @throws {StatusError} before the first event. */
  start(sink: WatchSink): () => void;
  timeoutMs: number;
}

export interface WatchSink {
  event(type: Change['type'], object: ApiObject): void;
  /** `initialEnd`: all that was there has been told. */
  bookmark(revision: number, initialEnd: boolean): void;
}

export interface ListAnswer {
  kind: 'list';
  resource: Resource;
  items: readonly ApiObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

export type Answer =
  | { kind: 'object'; code: number; object: ApiObject; resource: Resource }
  /** A Status, a review, a Scale: nothing that a table is made of. */
  | { kind: 'json'; code: number; object: JsonObject }
  | ListAnswer
  | WatchAnswer;

/** The Status of a success without an object of its own. */
export function success(details: JsonObject): Answer {
  return { kind: 'json', code: 200, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

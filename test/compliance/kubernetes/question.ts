/** What a question to a cluster is: one request, as part of a scene that has a namespace of its own. */
import type { KubeObject } from '../../../src/kube/index.ts';

export interface Question {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `NS` stands for the scene's namespace. */
  path: string;
  body?: unknown;
  contentType?: string;
  query?: Record<string, string>;
  /** What of the answer is compared; default: all of it. */
  pick?: (answer: Record<string, unknown>, namespace: string) => unknown;
  /** Its answer's version is what `VERSION` stands for in later queries. */
  remember?: true;
  /** Asked again while it is not found: a kind that was just defined. */
  untilThere?: true;
  /** A watch: the answer is the list of its events. Those that stand beside each other are asked at the same time. */
  stream?: true;
  /** Asked with a connection that is to go over to this protocol. */
  upgrade?: string;
}

export interface Scene {
  name: string;
  questions: Question[];
  /** Beside `NS`, which is always cleaned up: paths to delete at the end. */
  cleanup?: string[];
}

type Options = Partial<Pick<Question, 'query' | 'pick' | 'contentType'>>;
const MANAGER = { fieldManager: 'tester' };

export const get = (path: string, options: Options = {}): Question => ({ method: 'GET', path, ...options });
export const remove = (path: string, body?: unknown, options: Options = {}): Question => ({ method: 'DELETE', path, body, ...options });
/** All that comes within a second. */
export const watch = (path: string, { query, ...options }: Options = {}): Question => ({
  method: 'GET',
  path,
  ...options,
  query: { watch: '1', timeoutSeconds: '1', ...query },
  stream: true,
});
const write =
  (method: 'POST' | 'PUT') =>
  (path: string, body: unknown, { query, ...options }: Options = {}): Question => ({ method, path, body, ...options, query: { ...MANAGER, ...query } });
export const post = write('POST');
export const put = write('PUT');

const PATCHES = { merge: 'merge-patch+json', json: 'json-patch+json', strategic: 'strategic-merge-patch+json', apply: 'apply-patch+yaml' };
export function patch(type: keyof typeof PATCHES, path: string, body: unknown, { query, ...options }: Options = {}): Question {
  return { method: 'PATCH', path, body, contentType: `application/${PATCHES[type]}`, ...options, query: { ...MANAGER, ...query } };
}
/** Everything of a write happens but the write. */
export const dry = (path: string, body: unknown, query: Record<string, string> = {}): Question => post(path, body, { query: { dryRun: 'All', ...query } });

/** An object in the scene's namespace. */
export function object(apiVersion: string, kind: string, name: string, rest: Record<string, unknown> = {}): KubeObject {
  const { metadata, ...fields } = rest as { metadata?: object };
  return { apiVersion, kind, metadata: { name, ...metadata }, ...fields };
}

/** `list`: at a revision, filtered, in pages. */
import { StatusError } from '../../contract.ts';
import { badRequest, type Cause, expired, forbiddenField, invalidOptions, unsupported } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import type { ListAnswer } from '../request/call.ts';
import { both, type Predicate, parseFieldSelector, parseLabelSelector } from '../request/selectors.ts';
import type { Resource } from '../resources/registry.ts';
import type { Store } from '../store/store.ts';

/** What a page goes on from: a revision, and the last key that was told. */
interface Continue {
  revision: number;
  after: string;
}

const OUT_OF_DATE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** The selectors of a query. @throws 400 */
export function selectorsOf(resource: Resource, query: URLSearchParams): { predicate: Predicate | undefined; name: string | undefined } {
  const { type, strategy } = resource;
  const collection = type.group === 'events.k8s.io' ? 'events.events.k8s.io' : type.collection;
  const fields = parseFieldSelector(query.get('fieldSelector'), collection, strategy.selectableFields);
  return { predicate: both(parseLabelSelector(query.get('labelSelector')), fields?.matches), name: fields?.name };
}

/** @throws 400 for what is no number. */
export function revisionOf(text: string | null, field = 'resourceVersion'): number | undefined {
  if (text === null || text === '') return undefined;
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision))
    throw badRequest(
      `invalid resource version: ${field}: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return revision;
}

function wholeNumber(text: string | null): number {
  if (text !== null && !/^[+-]?\d*$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text ?? '') || 0;
}

/** @throws {StatusError} */
export function listObjects(store: Store, resource: Resource, namespace: string | undefined, query: URLSearchParams): ListAnswer {
  const collection = store.collection(resource.type.collection);
  const { predicate, name } = selectorsOf(resource, query);
  const limit = wholeNumber(query.get('limit'));
  wholeNumber(query.get('timeoutSeconds'));
  const token = query.get('continue');
  const asked = revisionOf(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch');
  if (match !== null && match !== '') {
    if (asked === undefined) throw invalidList(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan') throw invalidList(unsupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && asked === 0)
      throw invalidList(forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (asked !== undefined && asked > store.revision) throw tooLarge(asked, store.revision);

  let revision = store.revision;
  let after: string | undefined;
  if (token !== null && token !== '') {
    const from = decodeToken(token);
    revision = from.revision;
    after = from.after;
  } else if (match === 'Exact' && asked !== undefined) revision = asked;
  const tooOld = () => expired(token === null || token === '' ? `The resourceVersion for the provided list is too old.` : OUT_OF_DATE);

  let items: readonly ApiObject[];
  if (name !== undefined && namespace !== undefined && revision === store.revision) {
    const one = collection.get(namespace, name);
    items = one === undefined ? [] : [one];
  } else items = collection.listAt(revision, namespace, tooOld);
  if (predicate !== undefined) items = items.filter(predicate);
  if (after !== undefined) {
    const start = after;
    items = items.filter((item) => keyOf(item) > start);
  }
  const metadata: ListAnswer['metadata'] = { resourceVersion: String(revision) };
  if (limit > 0 && items.length > limit) {
    const rest = items.length - limit;
    items = items.slice(0, limit);
    const last = items.at(-1);
    if (last !== undefined) metadata.continue = encodeToken({ revision, after: keyOf(last) });
    // Not told with a selector: the real server would have to look at all of them.
    if (predicate === undefined) metadata.remainingItemCount = rest;
  }
  return { kind: 'list', resource, items, metadata };
}

export const invalidList = (cause: Cause): StatusError => invalidOptions('ListOptions', cause);

function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

const keyOf = (object: ApiObject) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

function encodeToken(from: Continue): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: from.revision, start: from.after })).toString('base64url');
}

function decodeToken(token: string): Continue {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { rv: unknown; start: unknown };
    if (typeof rv === 'number' && typeof start === 'string') return { revision: rv, after: start };
  } catch {
    // Not one of ours: refused below.
  }
  throw badRequest('continue key is not valid: illegal base64 data or an unknown version');
}

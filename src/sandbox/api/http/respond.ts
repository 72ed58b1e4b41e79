/** Answers on the wire: objects in the form that was asked for, failures, and watches that go on. */
import type { ServerResponse } from 'node:http';
import { StatusError } from '../../contract.ts';
import { isNoSuchGroup } from '../errors.ts';
import { WATCH_BUFFER_BYTES } from '../limits.ts';
import { type ApiObject, type JsonObject, timestamp } from '../object.ts';
import type { Answer, WatchAnswer } from '../request/call.ts';
import { listKindOf, presented } from '../request/present.ts';
import { internalError, statusObject } from '../request/status.ts';
import { apiVersionOf, type Resource } from '../resources/registry.ts';
import { createTable } from '../tables/table.ts';
import type { Wanted } from './negotiate.ts';

const texts = new WeakMap<ApiObject, string>();

/** The JSON of an object. Stored ones are frozen, so that what was written once is written for all. */
function textOf(object: ApiObject): string {
  if (!Object.isFrozen(object)) return JSON.stringify(object);
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    texts.set(object, text);
  }
  return text;
}

export function sendJson(response: ServerResponse, code: number, object: unknown, contentType = 'application/json'): void {
  sendText(response, code, `${JSON.stringify(object)}\n`, contentType);
}

export function sendText(response: ServerResponse, code: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  const body = Buffer.from(text);
  response.writeHead(code, { 'content-type': contentType, 'content-length': body.length });
  response.end(body);
}

export function sendFailure(response: ServerResponse, thrown: unknown): void {
  const error = thrown instanceof StatusError ? thrown : internalError(thrown);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (isNoSuchGroup(error)) {
    sendText(response, 404, '404 page not found\n');
    return;
  }
  const retry = error.details?.['retryAfterSeconds'];
  if (typeof retry === 'number') response.setHeader('retry-after', String(retry));
  sendJson(response, error.code, statusObject(error));
}

/** @param query of the request: `includeObject`. */
export function sendAnswer(response: ServerResponse, answer: Answer, wanted: Wanted, query: URLSearchParams): void {
  switch (answer.kind) {
    case 'json':
      sendJson(response, answer.code, answer.object);
      return;
    case 'object':
      sendText(response, answer.code, `${shown(answer.resource, answer.object, wanted, query, true)}\n`, 'application/json');
      return;
    case 'list':
      sendText(response, 200, listText(answer, wanted, query), 'application/json');
      return;
    default:
      sendWatch(response, answer, wanted, query);
  }
}

function listText({ resource, items, metadata }: Extract<Answer, { kind: 'list' }>, wanted: Wanted, query: URLSearchParams): string {
  if (wanted.as === 'Table')
    return `${JSON.stringify(createTable(resource, items, metadata, { version: wanted.version, include: includeOf(query), columns: true }))}\n`;
  const partial = wanted.as !== undefined;
  const head = partial ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' } : listKindOf(resource);
  const parts = items.map((item) => (partial ? JSON.stringify(metadataOnly(item)) : textOf(presented(resource, item))));
  return `{"kind":${JSON.stringify(head.kind)},"apiVersion":${JSON.stringify(head.apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[${parts.join(',')}]}\n`;
}

function metadataOnly(object: ApiObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

const includeOf = (query: URLSearchParams) => query.get('includeObject') ?? 'Metadata';

function shown(resource: Resource, object: ApiObject, wanted: Wanted, query: URLSearchParams, columns: boolean): string {
  if (wanted.as === 'Table') {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return JSON.stringify(createTable(resource, [object], metadata, { version: wanted.version, include: includeOf(query), columns }));
  }
  if (wanted.as !== undefined) return JSON.stringify(metadataOnly(object));
  return textOf(presented(resource, object));
}

/** One line an event, until the client goes, the time is over, or nobody reads. */
function sendWatch(response: ServerResponse, answer: WatchAnswer, wanted: Wanted, query: URLSearchParams): void {
  const { resource } = answer;
  let stop: (() => void) | undefined;
  let over = false;
  let columns = true;
  const write = (type: string, text: string) => {
    if (over) return;
    if (response.writableLength > WATCH_BUFFER_BYTES) {
      // It begins anew when it has the time to.
      end();
      response.destroy();
      return;
    }
    response.write(`{"type":"${type}","object":${text}}\n`);
  };
  const end = () => {
    over = true;
    clearTimeout(timer);
    stop?.();
  };
  const timer = setTimeout(() => {
    end();
    response.end();
  }, answer.timeoutMs);
  response.once('close', end);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  try {
    stop = answer.start({
      event(type, object) {
        write(type, shown(resource, object, wanted, query, columns));
        columns = false;
      },
      bookmark: (revision, initialEnd) => write('BOOKMARK', bookmark(resource, revision, initialEnd, wanted)),
    });
    if (over) stop();
  } catch (error) {
    write('ERROR', JSON.stringify(statusObject(error instanceof StatusError ? error : internalError(error))));
    end();
    response.end();
  }
}

function bookmark(resource: Resource, revision: number, initialEnd: boolean, wanted: Wanted): string {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  if (wanted.as === 'Table') {
    const object = {
      kind: resource.type.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { ...metadata, name: '', uid: '', creationTimestamp: timestamp(0) },
    };
    return JSON.stringify(
      createTable(resource, [], { resourceVersion: String(revision) }, { version: wanted.version, include: 'Metadata', columns: false, bookmark: object }),
    );
  }
  const head =
    wanted.as === undefined
      ? { kind: resource.type.kind, apiVersion: apiVersionOf(resource) }
      : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };
  return JSON.stringify({ ...head, metadata });
}

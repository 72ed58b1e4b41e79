/** What clusters write down of the requests to their API: a sandbox its own lines, a real API server events of `audit.k8s.io/v1`. */
import { readFileSync } from 'node:fs';
import type { AuditedCall } from '../../../src/sandbox/api/index.ts';

/** A real API server's, at the level `Request`. */
interface AuditEvent {
  kind: 'Event';
  verb: string;
  requestURI: string;
  userAgent?: string;
  requestObject?: unknown;
  responseStatus?: { code?: number };
}

export type Call = Pick<AuditedCall, 'method' | 'url' | 'userAgent' | 'contentType' | 'upgrade' | 'options'>;

const METHODS: Record<string, string> = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' };
const SWITCHED = 101;
const FAILED = 400;

export function auditedCalls(file: string): Call[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditedCall | AuditEvent)
    .filter((entry) => !('requestURI' in entry && untold(entry)))
    .map((entry) => ('requestURI' in entry ? callOfEvent(entry) : entry));
}

/** Of what went to a proxy and failed nothing tells whether it was to be upgraded. */
const untold = ({ requestURI, responseStatus }: AuditEvent): boolean => requestURI.includes('/proxy') && (responseStatus?.code ?? 0) >= FAILED;

function callOfEvent({ verb, requestURI, userAgent = '', requestObject, responseStatus }: AuditEvent): Call {
  return {
    method: METHODS[verb] ?? 'GET',
    url: requestURI,
    userAgent,
    ...(verb === 'patch' ? { contentType: patchType(requestURI, requestObject) } : {}),
    ...(responseStatus?.code === SWITCHED ? { upgrade: 'some protocol' } : {}),
    ...(verb.startsWith('delete') && isFields(requestObject) ? { options: requestObject } : {}),
  };
}

/** No event tells it. The programs send no strategic merges (src/kube): a list is a JSON patch, and who is to own what it sets applies. */
function patchType(uri: string, body: unknown): string {
  if (Array.isArray(body)) return 'application/json-patch+json';
  const whole = isFields(body) && typeof body['apiVersion'] === 'string' && typeof body['kind'] === 'string';
  return whole && uri.includes('fieldManager=') ? 'application/apply-patch+yaml' : 'application/merge-patch+json';
}

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

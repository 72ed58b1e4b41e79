/** The questions are asked of all that the project's programs ask a cluster for. */
import { expect, it } from 'vitest';
import { callOf } from './call.ts';
import { recordedCalls } from './calls.ts';
import type { Question } from './question.ts';
import { SCENES } from './questions/index.ts';

function callOfQuestion({ method, path, query = {}, contentType, body, upgrade }: Question): string {
  const text = new URLSearchParams(query).toString();
  return callOf({
    method,
    url: text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`,
    ...(contentType === undefined ? {} : { contentType }),
    ...(upgrade === undefined ? {} : { upgrade }),
    ...(method === 'DELETE' && body !== undefined ? { options: body as Record<string, unknown> } : {}),
  });
}

it('each call that was recorded from a run of the programs is among the questions', () => {
  const asked = new Set(SCENES.flatMap(({ questions }) => questions.map(callOfQuestion)));
  expect(recordedCalls().length).toBeGreaterThan(50);
  expect(recordedCalls().filter((call) => !asked.has(call))).toEqual([]);
});

it('a call is told by what is asked for, not by who asks or how much comes at a time', () => {
  const patched = { method: 'PATCH', contentType: 'application/merge-patch+json' };
  expect([
    callOf({ method: 'GET', url: '/api/v1/namespaces/a/pods?limit=500&labelSelector=x%3Dy' }),
    callOf({ method: 'GET', url: '/api/v1/pods?watch=1&resourceVersion=7&timeoutSeconds=300' }),
    callOf({ ...patched, url: '/apis/apps/v1/namespaces/a/deployments/b/status?fieldManager=c&dryRun=All' }),
    callOf({ method: 'GET', url: '/api/v1/namespaces/a/services/https:b:c/proxy/tunnel?x=1', upgrade: 'tunnel' }),
    callOf({ method: 'DELETE', url: '/apis/example.com/v1/namespaces/a/things/b', options: { kind: 'DeleteOptions', preconditions: { uid: '1' } } }),
  ]).toEqual([
    'list v1/pods, in a namespace, labelSelector',
    'watch v1/pods, resourceVersion',
    'patch apps/v1/deployments/status, in a namespace, merge-patch+json, dryRun=All',
    'get v1/services/proxy, in a namespace, upgraded',
    'delete a custom resource, in a namespace, preconditions.uid',
  ]);
});

import { expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { ANNOTATION } from '../../protocol/resources.ts';
import type { ManagerContext } from '../context.ts';
import { createMetrics } from '../metrics.ts';
import { parseSettings } from '../settings.ts';
import { createReviewer } from './index.ts';
import { type NamespaceFacts, NOTHING_KNOWN } from './namespace-facts.ts';

const config = { version: 1, workload: { kind: 'Deployment', name: 'web', namespace: 'shop' }, manager: 'ambassador', ports: [], healthPort: 9899 };
const podOf = (annotations: Record<string, string>) => ({ metadata: { annotations }, spec: { containers: [{ name: 'web' }] } });
const asking = podOf({ [ANNOTATION.inject]: 'enabled', [ANNOTATION.agentConfig]: JSON.stringify(config) });
const review = (object: unknown, operation = 'CREATE') => ({ request: { uid: 'u', operation, namespace: 'shop', kind: { kind: 'Pod' }, object } });

async function answer(body: unknown, facts: () => Promise<NamespaceFacts> = () => Promise.resolve(NOTHING_KNOWN)) {
  const context = {
    log: silentLog,
    metrics: createMetrics(),
    namespace: 'ambassador',
    agentImage: 'image',
    agentPullPolicy: 'Never',
    settings: parseSettings(undefined),
    ports: { tunnel: 1, agents: 2, webhook: 3, health: 4 },
    tls: { caCertificate: 'PEM' },
    peers: { list: () => [] },
  } as unknown as ManagerContext;
  const answered = (await createReviewer(context, { facts, nativeSidecars: () => Promise.resolve(true) })(body)) as
    | { response: { patch?: string } }
    | undefined;
  const { patch, ...response } = answered?.response ?? {};
  return { response, paths: patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as { path: string }[]).map(({ path }) => path) };
}

it('patches a pod that asks', async () => {
  expect(await answer(review(asking))).toEqual({
    response: { uid: 'u', allowed: true, patchType: 'JSONPatch' },
    paths: ['/spec/containers', '/spec/volumes'],
  });
});
it.each([
  ['a pod that does not ask', review(podOf({}))],
  ['no creation', review(asking, 'UPDATE')],
  ['a deletion, without an object', review(null, 'DELETE')],
])('lets pass without a word: %s', async (_, body) => {
  expect(await answer(body)).toEqual({ response: { uid: 'u', allowed: true }, paths: [] });
});
it('lets a pod start without an agent when anything fails, and says so', async () => {
  const failed = await answer(review(asking), () => Promise.reject(new Error('boom')));
  expect(failed).toEqual({ response: { uid: 'u', allowed: true, warnings: [expect.stringContaining('boom')] }, paths: [] });
});
it('gives no answer to what is no review', async () => {
  expect(await answer({ kind: 'Nonsense' })).toEqual({ response: {}, paths: [] });
});

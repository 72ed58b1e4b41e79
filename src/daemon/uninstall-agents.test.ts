import { expect, it, vi } from 'vitest';
import { CodedError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import type { AccessAttributes, KubeClient } from '../kube/index.ts';
import { ANNOTATION, type Intercept } from '../protocol/resources.ts';
import type { Workload } from './intercept/workloads.ts';
import { chooseAgents, UNINSTALL_WAIT_MS, uninstallAgents } from './uninstall-agents.ts';

const workload = (name: string, agent = true): Workload => ({
  kind: 'Deployment',
  name,
  namespace: 'shop',
  replicas: 1,
  template: agent ? { metadata: { annotations: { [ANNOTATION.agentConfig]: '{}' } } } : {},
});

/** A cluster where a leader takes agents out as soon as they are marked, or nobody does. */
function cluster({ leads = true, mayPatch = () => true, intercepts = [] as Partial<Intercept>[] }: Partial<Setup> = {}) {
  const marks: [string, string | null][] = [];
  const gone = new Set<string>();
  const kube = {
    canI: ({ name = '' }: AccessAttributes) => Promise.resolve({ allowed: mayPatch(name) }),
    list: () => Promise.resolve({ items: intercepts, resourceVersion: '1' }),
    patch: (path: string, _type: string, body: { metadata: { annotations: Record<string, string | null> } }) => {
      marks.push([path, body.metadata.annotations[ANNOTATION.uninstall] ?? null]);
      if (leads) gone.add(path);
      return Promise.resolve({});
    },
    get: (path: string) => Promise.resolve({ spec: { template: gone.has(path) ? {} : workload('web').template } }),
  };
  return { marks, options: { kube: kube as unknown as KubeClient, log: silentLog, user: 'alice' } };
}
interface Setup {
  leads: boolean;
  mayPatch: (name: string) => boolean;
  intercepts: Partial<Intercept>[];
}

const path = (name: string): string => `/apis/apps/v1/namespaces/shop/deployments/${name}`;
const { signal } = new AbortController();

it('marks the workloads in the name of the user and waits until their agents go', async () => {
  const { marks, options } = cluster();
  expect(await uninstallAgents(options, [workload('web'), workload('api')], signal)).toEqual(['Deployment/web', 'Deployment/api']);
  expect(marks).toEqual([
    [path('web'), 'alice'],
    [path('api'), 'alice'],
  ]);
});

it('names every right that is missing and changes nothing, also where some are there', async () => {
  const { marks, options } = cluster({ mayPatch: (name) => name === 'web' });
  const refused = uninstallAgents(options, [workload('web'), workload('api')], signal);
  await expect(refused).rejects.toMatchObject({ code: 'TP-UNINSTALL-FORBIDDEN' });
  await expect(refused).rejects.toThrow('alice may not uninstall this agent: the right to patch deployments.apps "api" in namespace shop is missing.');
  expect(marks).toEqual([]);
});

it.each([
  ['bob', 'TP-INTERCEPT-CONFLICT', 'bob intercepts it'],
  ['alice', 'TP-INTERCEPT-EXISTS', 'your intercept web is there'],
])('changes nothing while %s intercepts', async (user, code, sentence) => {
  const intercept = {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { name: 'web', user, workload: { kind: 'Deployment', name: 'web' } },
  } as unknown as Intercept;
  const { marks, options } = cluster({ intercepts: [intercept] });
  const refused = uninstallAgents(options, [workload('web')], signal);
  await expect(refused).rejects.toMatchObject({ code });
  await expect(refused).rejects.toThrow(sentence);
  expect(marks).toEqual([]);
});

it('takes the mark back when no leader takes it up', async () => {
  vi.useFakeTimers();
  try {
    const { marks, options } = cluster({ leads: false });
    const late = expect(uninstallAgents(options, [workload('web')], signal)).rejects.toMatchObject({ code: 'TP-MANAGER-NOT-READY' });
    await vi.advanceTimersByTimeAsync(UNINSTALL_WAIT_MS + 1_000);
    await late;
    expect(marks).toEqual([
      [path('web'), 'alice'],
      [path('web'), null],
    ]);
  } finally {
    vi.useRealTimers();
  }
});

it('takes the mark back after Ctrl-C', async () => {
  const { marks, options } = cluster({ leads: false });
  const interrupted = new AbortController();
  const over = expect(uninstallAgents(options, [workload('web')], interrupted.signal)).rejects.toMatchObject({ code: 'TP-CANCELLED' });
  await vi.waitFor(() => expect(marks).toHaveLength(1));
  interrupted.abort(new CodedError('TP-CANCELLED', 'Interrupted.'));
  await over;
  expect(marks.at(-1)).toEqual([path('web'), null]);
});

it('chooses by name or kind and name, and says which have no agent', () => {
  const all = [workload('web'), workload('api', false)];
  expect(chooseAgents(['web'], 'shop', all).map(({ name }) => name)).toEqual(['web']);
  expect(chooseAgents(['deployment/web'], 'shop', all).map(({ name }) => name)).toEqual(['web']);
  expect(() => chooseAgents(['api'], 'shop', all)).toThrow('Deployment api in namespace shop has no traffic-agent.');
  expect(() => chooseAgents(['nope'], 'shop', all)).toThrow('nope');
});

import { describe, expect, it } from 'vitest';
import type { Intercept } from '../../protocol/resources.ts';
import type { AgentLink, WatchListener } from '../context.ts';
import { type EnvironmentContext, readEnvironment } from './environment.ts';

const WORKLOAD = { kind: 'Deployment', name: 'hello' } as const;

function intercept(phase: NonNullable<Intercept['status']>['phase'], session = 'mine'): Intercept {
  return {
    apiVersion: 'telepresence.io/v1',
    kind: 'Intercept',
    metadata: { name: 'hello', namespace: 'shop', uid: 'i-1' },
    spec: { session: { uid: session }, workload: WORKLOAD },
    status: { phase, container: 'app' },
  } as unknown as Intercept;
}

/** A replica's view that comes later than the workstation's. */
function view() {
  let intercepts: Intercept[] = [];
  let agents: AgentLink[] = [];
  const watching = new Set<WatchListener<Intercept>>();
  const linking = new Set<() => void>();
  const context = {
    intercepts: {
      list: () => intercepts,
      subscribe: (listener: WatchListener<Intercept>) => {
        watching.add(listener);
        return () => watching.delete(listener);
      },
    },
    agents: {
      of: () => agents,
      onReady: (listener: () => void) => {
        linking.add(listener);
        return () => linking.delete(listener);
      },
    },
  } as unknown as EnvironmentContext;
  return {
    context,
    listeners: () => watching.size + linking.size,
    sees(object: Intercept) {
      intercepts = [object];
      for (const listener of watching) listener('modified', object);
    },
    links(pod: string, ready = new Set<string>()) {
      const agent = { ready, environment: async (container: string) => ({ container, pod, env: {} }) } as unknown as AgentLink;
      agents = [...agents, agent];
      for (const listener of linking) listener();
    },
  };
}

const read = ({ context }: ReturnType<typeof view>, signal = AbortSignal.timeout(20_000)) => readEnvironment(context, 'mine', 'i-1', signal);

describe('the environment of an intercepted container', () => {
  it('is asked of an agent that takes the intercept', async () => {
    const replica = view();
    replica.sees(intercept('Active'));
    replica.links('other');
    replica.links('takes-it', new Set(['i-1']));
    expect(await read(replica)).toEqual({ container: 'app', pod: 'takes-it', env: {} });
  });

  it('waits for what this replica has not seen yet: the intercept, that it is active, its agent', async () => {
    const replica = view();
    const asked = read(replica);
    replica.sees(intercept('Waiting'));
    replica.sees(intercept('Active'));
    expect(replica.listeners()).toBe(2);
    replica.links('late');
    expect(await asked).toMatchObject({ pod: 'late' });
    expect(replica.listeners()).toBe(0);
  });

  it('says after a while what is missing, and of a foreign intercept what it says of none', async () => {
    const [waiting, foreign, alone] = [view(), view(), view()];
    waiting.sees(intercept('Waiting'));
    foreign.sees(intercept('Active', 'theirs'));
    foreign.links('pod');
    alone.sees(intercept('Active'));
    const outcomes = await Promise.allSettled([waiting, foreign, alone, view()].map((replica) => read(replica)));
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toMatchObject([
      { code: 'TP-ENV-UNREADABLE', message: 'The intercept is Waiting, not Active.' },
      { code: 'TP-INTERCEPT-NOT-FOUND' },
      { code: 'TP-ENV-UNREADABLE', message: 'No agent of hello is linked.' },
      { code: 'TP-INTERCEPT-NOT-FOUND' },
    ]);
    expect([waiting, foreign, alone].map((replica) => replica.listeners())).toEqual([0, 0, 0]);
  });

  it('ends with the call', async () => {
    const replica = view();
    const over = new AbortController();
    const asked = read(replica, over.signal);
    over.abort(new Error('the workstation went away'));
    await expect(asked).rejects.toThrow('the workstation went away');
    expect(replica.listeners()).toBe(0);
  });
});

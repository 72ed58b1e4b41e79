import { describe, expect, it } from 'vitest';
import { cliWorld, INTERCEPT } from '../../../test/helpers/run-cli.ts';
import type { ListedWorkload } from '../../protocol/daemon-api.ts';

const WEB: ListedWorkload = { name: 'web', namespace: 'shop', kind: 'Deployment', agentInstalled: false, intercepts: [] };

describe('list', () => {
  it('has a line for each workload, and a block for each intercept', async () => {
    await using world = cliWorld();
    const bobs = { ...INTERCEPT, name: 'cart', user: 'bob', hostname: 'desk', mine: false };
    await world.serve({
      list: () => ({
        namespace: 'shop',
        workloads: [
          WEB,
          { ...WEB, name: 'db', agentInstalled: true },
          { ...WEB, name: 'job', notInterceptable: 'it has no ports' },
          { ...WEB, name: 'example-service', agentInstalled: true, intercepts: [INTERCEPT] },
          { ...WEB, name: 'cart', agentInstalled: true, intercepts: [bobs] },
        ],
      }),
    });
    expect(await world.run(['list'])).toEqual({
      code: 0,
      stderr: '',
      stdout: `web: ready to intercept (traffic-agent not yet installed)
db: ready to intercept (traffic-agent already installed)
job: unable to intercept (traffic-agent not installed): it has no ports
example-service: intercepted
    Intercept name: example-service
    State         : ACTIVE
    Destination   : 127.0.0.1:8080
    Intercepting  : all TCP connections
cart: intercepted by bob@desk
    Intercept name: cart
    State         : ACTIVE
    Destination   : 127.0.0.1:8080
    Intercepting  : all TCP connections
    User          : bob@desk
`,
    });
  });

  it('passes its filters on, and names the namespace when there are several', async () => {
    await using world = cliWorld();
    await world.serve({ list: () => ({ namespace: 'shop', workloads: [WEB] }) });
    expect((await world.run(['list', '-A', '--intercepts', '-a', '-n', 'x'])).stdout).toBe('web.shop: ready to intercept (traffic-agent not yet installed)\n');
    expect(world.calls[0]?.params).toEqual({ allNamespaces: true, onlyAgents: true, onlyIntercepts: true, namespace: 'x' });
  });

  it('says when there is nothing', async () => {
    await using world = cliWorld();
    await world.serve({ list: () => ({ namespace: 'shop', workloads: [] }) });
    expect((await world.run(['list'])).stdout).toBe('No Workloads (Deployments, StatefulSets, or ReplicaSets)\n');
    expect((await world.run(['list', '--format', 'yaml'])).stdout).toBe('[]\n');
  });

  it('writes a line of JSON for each change under json-stream', async () => {
    await using world = cliWorld();
    const controller = new AbortController();
    const answers = [[WEB], [WEB], [{ ...WEB, agentInstalled: true }]];
    await world.serve({
      list: () => {
        const workloads = answers.shift();
        if (workloads === undefined) controller.abort('SIGINT');
        return { namespace: 'shop', workloads: workloads ?? [] };
      },
    });
    const run = await world.run(['list', '--format', 'json-stream'], { interrupts: { signal: controller.signal, redirect: () => () => {} } });
    expect(run.code).toBe(130);
    expect(run.stdout.split('\n').slice(0, 2)).toEqual([JSON.stringify([WEB]), JSON.stringify([{ ...WEB, agentInstalled: true }])]);
  });
});

import { sleep } from '../../base/retry.ts';
import type { DaemonApi, ListedWorkload } from '../../protocol/daemon-api.ts';
import type { CommandSpec, Context } from '../command.ts';
import { NAMESPACE_FLAG } from '../flags.ts';
import { interceptBlock } from '../intercept-block.ts';

/** How often `list --format json-stream` looks for a change. */
export const LIST_WATCH_MS = 1000;

export const command: CommandSpec = {
  name: 'list',
  summary: 'List what can be intercepted, and what is',
  ownObject: true,
  flags: [
    { flags: '-a, --agents', description: 'with installed agents only' },
    { flags: '-A, --all-namespaces', description: 'of all namespaces' },
    { flags: '--debug', description: 'include debugging information', state: 'planned' },
    { flags: '-g, --ingests', description: 'ingests', state: 'planned' },
    { flags: '-i, --intercepts', description: 'intercepts' },
    NAMESPACE_FLAG,
    { flags: '-r, --replacements', description: 'replacements', state: 'planned' },
    { flags: '-t, --wiretaps', description: 'wiretaps', state: 'planned' },
  ],
  run: list,
};

async function list(context: Context): Promise<number> {
  const { options, output, call, signal } = context;
  const params: DaemonApi['list']['params'] = {
    allNamespaces: options.on('all-namespaces'),
    onlyAgents: options.on('agents'),
    onlyIntercepts: options.on('intercepts'),
  };
  const namespace = options.text('namespace');
  if (namespace !== undefined) params.namespace = namespace;
  let last = '';
  for (;;) {
    const { workloads } = await call('list', params);
    const now = JSON.stringify(workloads);
    if (now !== last) await output.result(workloads, listText(workloads, options.on('all-namespaces')));
    if (output.format !== 'json-stream') return 0;
    last = now;
    await sleep(LIST_WATCH_MS, signal);
  }
}

function listText(workloads: readonly ListedWorkload[], withNamespace: boolean): string {
  if (workloads.length === 0) return 'No Workloads (Deployments, StatefulSets, or ReplicaSets)';
  return workloads.map((workload) => `${workload.name}${withNamespace ? `.${workload.namespace}` : ''}: ${stateText(workload)}`).join('\n');
}

function stateText(workload: ListedWorkload): string {
  const { intercepts } = workload;
  if (intercepts.length > 0) {
    const others = [...new Set(intercepts.filter((one) => !one.mine).map((one) => `${one.user}@${one.hostname}`))];
    const by = others.length > 0 && intercepts.every((one) => !one.mine) ? ` by ${others.join(', ')}` : '';
    return [`intercepted${by}`, ...intercepts.map(interceptBlock)].join('\n');
  }
  const agent = `traffic-agent ${workload.agentInstalled ? 'already' : 'not yet'} installed`;
  if (workload.notInterceptable === undefined) return `ready to intercept (${agent})`;
  return `unable to intercept (${workload.agentInstalled ? agent : 'traffic-agent not installed'}): ${workload.notInterceptable}`;
}

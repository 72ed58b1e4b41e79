import { CodedError, codeOf } from '../../base/errors.ts';
import type { DaemonApi } from '../../protocol/daemon-api.ts';
import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec, Context } from '../command.ts';
import { KUBE_FLAGS, MANAGER_NAMESPACE_FLAG, NAMESPACE_FLAG } from '../flags.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'uninstall',
  summary: 'Uninstall agents, or everything',
  arguments: ['[workloads...]'],
  flags: [
    { flags: '-d, --agent', description: 'uninstall the agents of the workloads that are named' },
    { flags: '-a, --all-agents', description: 'uninstall the agents of all workloads' },
    { flags: '-e, --everything', description: 'uninstall all agents and the traffic-manager' },
    MANAGER_NAMESPACE_FLAG,
    NAMESPACE_FLAG,
    ...KUBE_FLAGS,
  ],
  run: uninstall,
};

async function uninstall(context: Context): Promise<number> {
  const { args, options, output } = context;
  const everything = options.on('everything');
  const allAgents = options.on('all-agents');
  const ways = [everything, allAgents, args.length > 0].filter(Boolean).length;
  if (ways !== 1 || (options.on('agent') && args.length === 0)) {
    throw new CodedError('TP-USAGE', 'Name the workloads whose agents are to go, or pass --all-agents or --everything, one of the three.');
  }
  const params: DaemonApi['uninstall']['params'] = { agents: args, allAgents, everything };
  const namespace = options.text('namespace');
  if (namespace !== undefined) params.namespace = namespace;
  if (everything) {
    params.cluster = clusterParams(context);
    await ensureDaemon(context);
  }
  const { done } = await context.call('uninstall', params);
  if (everything) await quit(context);
  await output.result({ done }, done.join('\n'));
  return 0;
}

/** There is nothing left to be connected to. */
async function quit(context: Context): Promise<void> {
  try {
    await context.call('quit', {});
  } catch (error) {
    if (codeOf(error) !== 'TP-DAEMON-NOT-RUNNING') throw error;
  }
}

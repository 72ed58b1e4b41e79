import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec } from '../command.ts';
import { CONNECT_FLAGS, KUBE_FLAGS } from '../flags.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'list-contexts',
  summary: 'Show all contexts',
  ownObject: true,
  flags: [...CONNECT_FLAGS, ...KUBE_FLAGS],
  async run(context) {
    const params = clusterParams(context);
    await ensureDaemon(context);
    const { contexts } = await context.call('listContexts', params);
    await context.output.result(contexts, contexts.map(({ name }) => name).join('\n'));
    return 0;
  },
};

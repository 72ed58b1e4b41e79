import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec } from '../command.ts';
import { CONNECT_FLAGS, KUBE_FLAGS } from '../flags.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'list-namespaces',
  summary: 'Show all namespaces',
  ownObject: true,
  flags: [...CONNECT_FLAGS, ...KUBE_FLAGS],
  async run(context) {
    const params = clusterParams(context);
    await ensureDaemon(context);
    const { namespaces } = await context.call('listNamespaces', params);
    await context.output.result(namespaces, namespaces.join('\n'));
    return 0;
  },
};

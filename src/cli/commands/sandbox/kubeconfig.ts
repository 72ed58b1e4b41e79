import type { CommandSpec } from '../../command.ts';
import { runSandbox } from '../../run-sandbox.ts';

export const command: CommandSpec = {
  name: 'sandbox kubeconfig',
  summary: "Print the kubeconfig of this machine's small cluster",
  run: (context) => runSandbox(context, ['kubeconfig']),
};

import type { CommandSpec } from '../../command.ts';
import { runSandbox } from '../../run-sandbox.ts';

export const command: CommandSpec = {
  name: 'sandbox status',
  summary: "Show whether this machine's small cluster runs",
  run: (context) => runSandbox(context, ['status']),
};

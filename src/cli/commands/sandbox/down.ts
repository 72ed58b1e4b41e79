import type { CommandSpec } from '../../command.ts';
import { runSandbox } from '../../run-sandbox.ts';

export const command: CommandSpec = {
  name: 'sandbox down',
  summary: "End this machine's small cluster and all that runs in it",
  flags: [{ flags: '--wipe', description: 'Forget its images as well' }],
  async run(context) {
    return runSandbox(context, ['down', ...(context.options.on('wipe') ? ['--wipe'] : [])]);
  },
};

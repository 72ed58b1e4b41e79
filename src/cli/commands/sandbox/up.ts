import type { CommandSpec } from '../../command.ts';
import { runSandbox } from '../../run-sandbox.ts';

export const command: CommandSpec = {
  name: 'sandbox up',
  summary: 'Start a small cluster on this machine, for trying, teaching and testing',
  flags: [{ flags: '--port <port>', description: "The port of the cluster's API on this machine; any free one without it" }],
  async run(context) {
    const port = context.options.text('port');
    return runSandbox(context, ['up', ...(port === undefined ? [] : ['--port', port])]);
  },
};

import type { CommandSpec } from '../../command.ts';
import { runSandbox } from '../../run-sandbox.ts';

export const command: CommandSpec = {
  name: 'sandbox up',
  summary: 'Start a small cluster on this machine, for trying, teaching and testing',
  flags: [
    { flags: '--port <port>', description: "The port of the cluster's API on this machine; any free one without it" },
    { flags: '--nodes <number>', description: 'How many nodes it has; default 1' },
    { flags: '--ingress', description: 'With a small ingress controller, which serves the Ingress objects of the cluster; also for one that runs already' },
    { flags: '--state <folder>', description: 'Keep the objects of the cluster in this folder, and go on with those that are there; in memory without it' },
  ],
  async run(context) {
    const given = ['port', 'nodes', 'state'].flatMap((name) => {
      const value = context.options.text(name);
      return value === undefined ? [] : [`--${name}`, value];
    });
    return runSandbox(context, ['up', ...given, ...(context.options.on('ingress') ? ['--ingress'] : [])]);
  },
};

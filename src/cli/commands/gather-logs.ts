import { resolve } from 'node:path';
import type { CommandSpec } from '../command.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'gather-logs',
  summary: 'Gather the logs of the daemons, the traffic-manager and the agents into a zip file',
  flags: [
    { flags: '-a, --anonymize', description: 'replace names of pods and namespaces' },
    { flags: '--daemons <names>', description: 'daemons whose logs are wanted, separated by commas: all, root, user, None', default: 'all' },
    { flags: '-y, --get-pod-yaml', description: 'add the YAML of the pods' },
    { flags: '-o, --output-file <file>', description: 'the zip file; default: telepresence_logs_<time>.zip' },
    { flags: '--traffic-agents <names>', description: 'agents whose logs are wanted: all, a part of a name, None', default: 'all' },
    { flags: '--traffic-manager', description: 'add the log of the traffic-manager (switched off by =false)', default: true },
  ],
  async run(context) {
    const { options, io, output } = context;
    const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
    await ensureDaemon(context);
    const { file, entries } = await context.call('gatherLogs', {
      daemons: options.text('daemons') ?? 'all',
      trafficAgents: options.text('traffic-agents') ?? 'all',
      trafficManager: options.on('traffic-manager'),
      podYaml: options.on('get-pod-yaml'),
      anonymize: options.on('anonymize'),
      outputFile: resolve(io.cwd, options.text('output-file') ?? `telepresence_logs_${time}.zip`),
    });
    await output.result({ file, entries }, `Logs have been exported to ${file}`);
    return 0;
  },
};

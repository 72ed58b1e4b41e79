import { CodedError } from '../../base/errors.ts';
import { LOG_LEVELS } from '../../base/log.ts';
import { parseDuration } from '../../config/duration.ts';
import type { CommandSpec } from '../command.ts';

export const command: CommandSpec = {
  name: 'loglevel',
  summary: 'Change the log level of the daemons, the traffic-manager and the agents for a while',
  arguments: ['<error|warn|info|debug|trace>'],
  flags: [
    { flags: '-d, --duration <duration>', description: 'how long it holds; 0s: until changed', default: '30m0s' },
    { flags: '-l, --local-only', description: 'only the daemons of this workstation' },
    { flags: '-r, --remote-only', description: 'only the traffic-manager and the agents' },
  ],
  async run({ args, options, call, output }) {
    const level = LOG_LEVELS.find((one) => one === args[0]?.toLowerCase());
    if (level === undefined) throw new CodedError('TP-USAGE', `The log level is ${JSON.stringify(args[0])}; it can be ${LOG_LEVELS.join(', ')}.`);
    const durationMs = parseDuration(options.text('duration') ?? '30m');
    if (durationMs === undefined)
      throw new CodedError('TP-USAGE', `--duration is ${JSON.stringify(options.text('duration'))}; it is written like 30m or 1h30m.`);
    const localOnly = options.on('local-only');
    const remoteOnly = options.on('remote-only');
    if (localOnly && remoteOnly) throw new CodedError('TP-USAGE', '--local-only and --remote-only exclude each other.');
    await call('loglevel', { level, durationMs, localOnly, remoteOnly });
    await output.result({ level, duration_ms: durationMs }, '');
    return 0;
  },
};

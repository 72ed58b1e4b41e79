import { CodedError } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';
import { NAMESPACE_FLAG } from '../flags.ts';

export const command: CommandSpec = {
  name: 'leave',
  aliases: ['detach'],
  summary: 'Remove an existing intercept',
  arguments: ['<name>'],
  flags: [{ flags: '-c, --container <name>', description: 'container of an ingest', state: 'planned' }, NAMESPACE_FLAG],
  async run({ args, options, call, output }) {
    const [name] = args;
    if (name === undefined) throw new CodedError('TP-USAGE', 'There is no name of an intercept.');
    const namespace = options.text('namespace');
    await call('leave', { name, ...(namespace === undefined ? {} : { namespace }) });
    await output.result({ name }, '');
    return 0;
  },
};

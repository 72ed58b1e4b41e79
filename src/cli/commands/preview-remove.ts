import { CodedError } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';
import { NAMESPACE_FLAG } from '../flags.ts';

export const command: CommandSpec = {
  name: 'preview remove',
  summary: 'Remove the preview URL of an intercept',
  arguments: ['<intercept>'],
  flags: [NAMESPACE_FLAG],
  async run({ args, options, call, output }) {
    const [name] = args;
    if (name === undefined) throw new CodedError('TP-USAGE', 'There is no name of an intercept.');
    const namespace = options.text('namespace');
    await call('previewRemove', { name, ...(namespace === undefined ? {} : { namespace }) });
    await output.result({ name }, '');
    return 0;
  },
};

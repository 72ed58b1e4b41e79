import { CodedError } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';
import { NAMESPACE_FLAG } from '../flags.ts';
import { findIngress } from '../ingress.ts';
import { interceptBlock } from '../intercept-block.ts';
import { INGRESS_FLAGS } from '../intercept-flags.ts';

export const command: CommandSpec = {
  name: 'preview create',
  summary: 'Make a preview URL for an intercept',
  ownObject: true,
  arguments: ['<intercept>'],
  flags: [...INGRESS_FLAGS, NAMESPACE_FLAG],
  async run(context) {
    const { args, options, call, output } = context;
    const [name] = args;
    if (name === undefined) throw new CodedError('TP-USAGE', 'There is no name of an intercept.');
    const namespace = options.text('namespace');
    const where = namespace === undefined ? {} : { namespace };
    const ingress = await findIngress(context, { intercept: name, ...where });
    const info = await call('previewCreate', { name, ...where, ingress });
    await output.result(info, interceptBlock(info));
    return 0;
  },
};

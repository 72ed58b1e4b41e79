import { CodedError } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';

export const command: CommandSpec = {
  name: 'completion',
  summary: 'Generate a shell completion script',
  arguments: ['<bash|zsh|fish>'],
  async run({ args, output, commands }) {
    const { completionScript, COMPLETION_SHELLS } = await import('../completion/index.ts');
    const shell = COMPLETION_SHELLS.find((one) => one === args[0]);
    if (args[0] === 'powershell') throw new CodedError('TP-UNSUPPORTED', 'Completion for powershell is refused: telepresence runs on Linux.');
    if (shell === undefined)
      throw new CodedError('TP-USAGE', `There is no completion for ${JSON.stringify(args[0])}; there is for ${COMPLETION_SHELLS.join(', ')}.`);
    const script = await completionScript(shell, commands);
    await output.result({ shell, script }, script.trimEnd());
    return 0;
  },
};

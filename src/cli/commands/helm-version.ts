import { VERSION } from '../../base/version.ts';
import type { CommandSpec } from '../command.ts';

export const command: CommandSpec = {
  name: 'helm version',
  summary: 'Print the version of the installer',
  ownObject: true,
  async run({ output }) {
    await output.result({ version: `v${VERSION}`, helm: null }, `v${VERSION} (built-in installer; no Helm client is needed)`);
    return 0;
  },
};

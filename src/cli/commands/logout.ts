import { existsSync } from 'node:fs';
import { CodedError } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'logout',
  summary: 'Log out of the cloud',
  async run(context) {
    const { paths, call, output } = context;
    if (!existsSync(paths.cloudFile))
      throw new CodedError('TP-NOT-LOGGED-IN', 'Nobody is logged in on this workstation.', { help: 'There is nothing to log out of.' });
    await ensureDaemon(context);
    const result = await call('logout', {});
    await output.result(result, '');
    return 0;
  },
};

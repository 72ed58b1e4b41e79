import { codeOf } from '../../base/errors.ts';
import type { StatusResult } from '../../protocol/daemon-api.ts';
import type { CommandSpec } from '../command.ts';
import { statusObject, statusText } from '../status-view.ts';

export const command: CommandSpec = {
  name: 'status',
  summary: 'Show connectivity status',
  ownObject: true,
  flags: [{ flags: '--multi-daemon', description: 'always use the output format of several connections' }],
  async run({ call, options, output }) {
    let status: StatusResult | undefined;
    try {
      status = await call('status', {});
    } catch (error) {
      if (codeOf(error) !== 'TP-DAEMON-NOT-RUNNING') throw error;
    }
    const one = statusObject(status);
    await output.result(options.on('multi-daemon') ? { connections: [one] } : one, statusText(status));
    return 0;
  },
};

import { codeOf } from '../../base/errors.ts';
import type { CommandSpec } from '../command.ts';

export const command: CommandSpec = {
  name: 'quit',
  summary: 'Disconnect, and with -s end the daemons',
  flags: [{ flags: '-s, --stop-daemons', description: 'stop all local telepresence daemons' }],
  async run({ call, options, output }) {
    const stop = options.on('stop-daemons');
    let wasConnected = false;
    try {
      if (stop) await call('quit', {});
      else ({ wasConnected } = await call('disconnect', {}));
    } catch (error) {
      if (codeOf(error) !== 'TP-DAEMON-NOT-RUNNING') throw error;
    }
    const text = stop ? 'Quit' : wasConnected ? 'Disconnected' : 'Not connected';
    await output.result({ status: text }, text);
    return 0;
  },
};

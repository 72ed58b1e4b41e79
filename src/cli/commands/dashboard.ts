import { CodedError } from '../../base/errors.ts';
import { openBrowser } from '../browser.ts';
import type { CommandSpec } from '../command.ts';
import { ensureDaemon } from '../launch.ts';

export const command: CommandSpec = {
  name: 'dashboard',
  summary: 'Open the dashboard in a browser',
  async run(context) {
    const { call, io, output } = context;
    await ensureDaemon(context);
    const { login, clusterUrl } = await call('cloudStatus', {});
    const url = login?.url ?? clusterUrl;
    if (url === undefined)
      throw new CodedError('TP-NOT-LOGGED-IN', 'Nobody is logged in on this workstation, and the cluster, if there is one, names no cloud.');
    const opened = await openBrowser(io, url);
    await output.result({ url, opened }, opened ? `Opened ${url}` : url);
    return 0;
  },
};

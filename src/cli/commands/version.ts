import { codeOf } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { VersionResult } from '../../protocol/daemon-api.ts';
import type { CommandSpec } from '../command.ts';
import { keyValues } from '../key-values.ts';

export const command: CommandSpec = {
  name: 'version',
  summary: 'Show version',
  ownObject: true,
  async run({ call, output }) {
    let running: VersionResult | undefined;
    try {
      running = await call('version', {});
    } catch (error) {
      if (codeOf(error) !== 'TP-DAEMON-NOT-RUNNING') throw error;
    }
    const versions: Record<string, string> = { client: `v${VERSION}` };
    const rows: [string, string][] = [['OSS Client', `v${VERSION}`]];
    const add = (key: string, name: string, version: string | undefined, otherwise: string) => {
      if (version !== undefined) versions[key] = `v${version}`;
      rows.push(version === undefined ? [name, otherwise] : [`OSS ${name}`, `v${version}`]);
    };
    add('root_daemon', 'Root Daemon', running?.netd, 'not running');
    add('user_daemon', 'User Daemon', running?.daemon, 'not running');
    if (running !== undefined) add('traffic_manager', 'Traffic Manager', running.manager, 'not connected');
    if (running?.agentImage !== undefined) {
      versions.traffic_agent = running.agentImage;
      rows.push(['Traffic Agent', running.agentImage]);
    }
    await output.result(versions, keyValues(rows));
    return 0;
  },
};

/** Commands of the original that are not built, with their flags. They take anything and fail with TP-UNSUPPORTED. */
import type { CommandSpec, FlagSpec } from '../command.ts';
import { KUBE_FLAGS } from '../flags.ts';
import { attachments } from './attachments.ts';
import { cloud } from './cloud.ts';
import { compose } from './compose.ts';
import { genyaml } from './genyaml.ts';
import { mcp } from './mcp.ts';
import { KUBE, type Unbuilt } from './unbuilt.ts';

const OTHERS: Unbuilt[] = [
  ['apply', 'planned', 'Bring the workstation to the state described by a manifest', ['--dry-run', '-f, --filename <file>']],
  ['curl', 'planned', 'curl with the network of the daemon'],
  ['delete', 'planned', 'Tear down the state described by a manifest', ['-f, --filename <file>']],
  ['docker-run', 'planned', 'docker run with the network of the daemon'],
  ['kubeauthd', 'refused', 'Entry point of a daemon of the original'],
  ['man-pages', 'refused', "Generator of the original's documentation"],
  ['revoke', 'planned', 'Revoke an intercept of somebody else'],
  ['rootd', 'refused', 'Entry point of a daemon of the original'],
  ['serve', 'planned', 'Start the browser on a remote service', ['-p, --port <port>']],
  ['test-vpn', 'refused', 'Test of VPN settings; `connect` names conflicts itself'],
  ['userd', 'refused', 'Entry point of a daemon of the original'],
];
const HIDDEN = new Set(['kubeauthd', 'man-pages', 'rootd', 'test-vpn', 'userd', 'current-cluster-id', 'license']);

export function unbuiltCommands(): CommandSpec[] {
  return [...OTHERS, ...attachments, ...cloud, ...compose, ...genyaml, ...mcp].map(([name, state, summary, flags = []]) => ({
    name,
    state,
    summary,
    ...(HIDDEN.has(name) || name.startsWith('compose ') ? { hidden: true } : {}),
    arguments: ['[arguments...]'],
    passthrough: 'command',
    flags: flags.flatMap((text): FlagSpec[] => (text === KUBE ? KUBE_FLAGS : [{ flags: text, description: 'flag of the original', state }])),
  }));
}

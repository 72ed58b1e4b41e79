import type { CommandSpec } from '../command.ts';
import { INSTALL_FLAGS } from '../helm-flags.ts';
import { runHelm } from '../run-helm.ts';

export const command: CommandSpec = {
  name: 'helm install',
  summary: 'Install the traffic-manager',
  flags: INSTALL_FLAGS,
  run: (context) => runHelm(context, 'helmInstall'),
};

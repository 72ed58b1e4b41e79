import type { CommandSpec } from '../command.ts';
import { UNINSTALL_FLAGS } from '../helm-flags.ts';
import { runHelm } from '../run-helm.ts';

export const command: CommandSpec = {
  name: 'helm uninstall',
  summary: 'Uninstall the traffic-manager',
  flags: UNINSTALL_FLAGS,
  run: (context) => runHelm(context, 'helmUninstall'),
};

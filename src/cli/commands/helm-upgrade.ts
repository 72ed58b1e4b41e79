import type { CommandSpec } from '../command.ts';
import { UPGRADE_FLAGS } from '../helm-flags.ts';
import { runHelm } from '../run-helm.ts';

export const command: CommandSpec = {
  name: 'helm upgrade',
  summary: 'Upgrade the traffic-manager',
  flags: UPGRADE_FLAGS,
  run: (context) => runHelm(context, 'helmUpgrade'),
};

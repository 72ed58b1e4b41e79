import type { CommandSpec } from '../command.ts';
import { LINT_FLAGS } from '../helm-flags.ts';
import { runHelm } from '../run-helm.ts';

export const command: CommandSpec = {
  name: 'helm lint',
  summary: 'Check the values, and what they give, against the cluster',
  flags: LINT_FLAGS,
  run: (context) => runHelm(context, 'helmLint'),
};

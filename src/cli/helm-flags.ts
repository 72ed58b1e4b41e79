/** Flags of the `helm` commands. */
import type { FlagSpec } from './command.ts';
import { CONNECT_FLAGS, KUBE_FLAGS } from './flags.ts';

const NO_HOOKS: FlagSpec = { flags: '--no-hooks', description: 'there are no hooks here', state: 'refused' };
const VALUES: FlagSpec[] = [
  { flags: '--set <a.b=value>', description: 'set a value; may be repeated, or hold several separated by commas', takes: 'many' },
  { flags: '--set-file <a.b=file>', description: 'set a value to the text of a file', takes: 'many' },
  { flags: '--set-json <a.b=json>', description: 'set a value to JSON', takes: 'many' },
  { flags: '--set-string <a.b=text>', description: 'set a value to a text', takes: 'many' },
  { flags: '-f, --values <file>', description: 'YAML file with values; may be repeated', takes: 'many' },
  { flags: '--version <version>', description: "install another version than this client's", state: 'refused' },
];
const CREATE_NAMESPACE: FlagSpec = {
  flags: '--create-namespace',
  description: 'create the namespace if it is missing (switched off by =false)',
  default: true,
};

export const INSTALL_FLAGS: FlagSpec[] = [CREATE_NAMESPACE, NO_HOOKS, ...VALUES, ...CONNECT_FLAGS, ...KUBE_FLAGS];
export const UPGRADE_FLAGS: FlagSpec[] = [
  CREATE_NAMESPACE,
  NO_HOOKS,
  { flags: '--reset-values', description: 'forget the values of the installation' },
  { flags: '--reuse-values', description: 'keep the values of the installation, and merge these over them' },
  ...VALUES,
  ...CONNECT_FLAGS,
  ...KUBE_FLAGS,
];
export const UNINSTALL_FLAGS: FlagSpec[] = [NO_HOOKS, ...CONNECT_FLAGS, ...KUBE_FLAGS];
export const LINT_FLAGS: FlagSpec[] = [...VALUES, ...CONNECT_FLAGS, ...KUBE_FLAGS];

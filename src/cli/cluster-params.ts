/** The parameters of a call that reaches the cluster: kubectl's flags, `connect`'s flags, and the caller's surroundings. */
import { resolve } from 'node:path';
import { CodedError } from '../base/errors.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import { type Context, flagName } from './command.ts';
import { KUBE_FLAGS } from './flags.ts';

export type ClusterParams = DaemonApi['connect']['params'];

export function clusterParams(context: Context): ClusterParams {
  const { options, io } = context;
  const params: ClusterParams = {
    kubeFlags: kubeFlags(context),
    env: io.env,
    cwd: io.cwd,
    mappedNamespaces: options.list('mapped-namespaces'),
    alsoProxy: options.list('also-proxy'),
    neverProxy: options.list('never-proxy'),
    allowConflictingSubnets: options.list('allow-conflicting-subnets'),
  };
  const namespace = options.text('namespace');
  const managerNamespace = options.text('manager-namespace');
  const name = options.text('name');
  const config = options.text('config');
  if (namespace !== undefined) params.namespace = namespace;
  if (managerNamespace !== undefined) params.managerNamespace = managerNamespace;
  if (name !== undefined) params.name = name;
  if (config !== undefined) params.configFile = resolve(io.cwd, config);
  return params;
}

function kubeFlags({ options, io }: Context): Record<string, string | string[]> {
  const flags: Record<string, string | string[]> = {};
  for (const name of KUBE_FLAGS.map(flagName)) {
    if (!options.given(name)) continue;
    const list = options.list(name);
    flags[name] = list.length > 0 ? list : (options.text(name) ?? String(options.on(name)));
  }
  if (flags.kubeconfig === '-') throw new CodedError('TP-UNSUPPORTED', '--kubeconfig - (from standard input) is planned, but not built yet.');
  if (typeof flags.kubeconfig === 'string') flags.kubeconfig = resolve(io.cwd, flags.kubeconfig);
  return flags;
}

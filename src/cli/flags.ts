/** Flags that several commands share. */
import type { FlagSpec } from './command.ts';

export const GLOBAL_FLAGS: FlagSpec[] = [
  { flags: '--config <file>', description: 'client config file' },
  { flags: '--format <format>', description: 'structured output: default, json, yaml or json-stream', default: 'default' },
  { flags: '--output <format>', description: 'structured output in an envelope: default, json, yaml or json-stream', hidden: true, default: 'default' },
  { flags: '--progress <mode>', description: 'progress lines: auto, tty, plain, json or quiet', default: 'auto' },
  { flags: '--use <regexp>', description: 'regular expression that the name of the connection must match' },
  { flags: '--logfile <file>', description: 'log file of this command', hidden: true, state: 'refused' },
];

/** What kubectl takes; handed to the daemon by their names. */
export const KUBE_FLAGS: FlagSpec[] = [
  { flags: '--as <user>', description: 'username to impersonate' },
  { flags: '--as-group <group>', description: 'group to impersonate; may be repeated', takes: 'many' },
  { flags: '--as-uid <uid>', description: 'uid to impersonate' },
  { flags: '--as-user-extra <key=value>', description: 'extra of the user to impersonate; may be repeated', takes: 'many' },
  { flags: '--cache-dir <dir>', description: 'default cache directory of kubectl' },
  { flags: '--certificate-authority <file>', description: 'certificate file of the certificate authority' },
  { flags: '--client-certificate <file>', description: 'client certificate file for TLS' },
  { flags: '--client-key <file>', description: 'client key file for TLS' },
  { flags: '--cluster <name>', description: 'name of the kubeconfig cluster to use' },
  { flags: '--context <name>', description: 'name of the kubeconfig context to use' },
  { flags: '--disable-compression', description: 'no compression of answers of the API server' },
  { flags: '--insecure-skip-tls-verify', description: 'do not check the certificate of the API server' },
  { flags: '--kubeconfig <file>', description: 'kubeconfig file to use' },
  { flags: '--request-timeout <duration>', description: 'how long to wait for one answer of the API server' },
  { flags: '-s, --server <url>', description: 'address and port of the API server' },
  { flags: '--tls-server-name <name>', description: 'name that the certificate of the API server must have' },
  { flags: '--token <token>', description: 'bearer token for the API server' },
  { flags: '--user <name>', description: 'name of the kubeconfig user to use' },
];

export const NAMESPACE_FLAG: FlagSpec = { flags: '-n, --namespace <name>', description: 'namespace of this command; default: the connected one' };
export const MANAGER_NAMESPACE_FLAG: FlagSpec = { flags: '--manager-namespace <name>', description: 'namespace of the traffic-manager' };

/** Flags of `connect` without the kubectl ones. */
export const CONNECT_FLAGS: FlagSpec[] = [
  { flags: '--allow-conflicting-subnets <cidrs>', description: 'CIDRs that may overlap local routes', takes: 'list' },
  { flags: '--also-proxy <cidrs>', description: 'further CIDRs to route to the cluster', takes: 'list' },
  { flags: '--docker', description: 'run the daemon in a container', state: 'planned' },
  { flags: '--expose <port>', description: 'port that a containerized daemon exposes', takes: 'many', state: 'planned' },
  { flags: '--hostname <name>', description: 'hostname of a containerized daemon', state: 'planned' },
  MANAGER_NAMESPACE_FLAG,
  { flags: '--mapped-namespaces <names>', description: 'namespaces that names are resolved in; default: all', takes: 'list' },
  { flags: '--name <name>', description: 'name of the connection' },
  { flags: '-n, --namespace <name>', description: 'namespace to connect to' },
  { flags: '--never-proxy <cidrs>', description: 'CIDRs that are never routed to the cluster', takes: 'list' },
  { flags: '--proxy-via <cidr=workload>', description: 'route a CIDR by way of a workload', takes: 'list', state: 'planned' },
  { flags: '--reroute-local <port:host:port>', description: 'route a port of this host to the cluster', takes: 'list', state: 'planned' },
  { flags: '--reroute-remote <host:port:port>', description: 'route a port of a host in the cluster to another', takes: 'list', state: 'planned' },
  { flags: '--vnat <cidr>', description: 'translate a CIDR to virtual addresses', takes: 'list', state: 'planned' },
];

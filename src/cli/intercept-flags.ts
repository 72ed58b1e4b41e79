/** Flags of `intercept`, from 2.0 to 2.31. */
import type { FlagSpec } from './command.ts';

export const DOCKER_FLAGS: FlagSpec[] = [
  { flags: '--docker-build <context>', description: 'build a container and run it with the environment', state: 'planned' },
  { flags: '--docker-build-opt <key=value>', description: 'option of the build', takes: 'many', state: 'planned' },
  { flags: '--docker-debug <context>', description: 'like --docker-build, with relaxed security for a debugger', state: 'planned' },
  { flags: '--docker-mount <path>', description: 'mount point in docker', state: 'planned' },
  { flags: '--docker-run', description: 'run a container with the environment', state: 'planned' },
];

export const ENV_FLAGS: FlagSpec[] = [
  { flags: '-e, --env-file <file>', description: 'write the environment of the service to a file' },
  { flags: '-j, --env-json <file>', description: 'write the environment of the service to a file as JSON' },
  {
    flags: '--env-syntax <syntax>',
    description: 'syntax of --env-file: docker, compose, sh, csh, cmd, json or ps; sh, csh and ps also with :export',
    default: 'docker',
  },
];

export const HTTP_FLAGS: FlagSpec[] = [
  {
    flags: '--http-header <name=value>',
    description: 'take only requests with this header; may be repeated; auto: with the header of this intercept, all: whatever the header',
    takes: 'many',
  },
  { flags: '--http-path-equal <path>', description: 'take only requests of this path', takes: 'many' },
  { flags: '--http-path-prefix <prefix>', description: 'take only requests whose path begins so', takes: 'many' },
  { flags: '--http-path-regex <regexp>', description: 'take only requests whose path matches (RE2)', takes: 'many' },
];

/** The four questions of the ingress dialog, and one that it does not ask. */
export const INGRESS_FLAGS: FlagSpec[] = [
  { flags: '--ingress-ca <file>', description: 'PEM of the CA that the certificate of the ingress is checked with; default: it is not checked' },
  { flags: '--ingress-host <host>', description: 'ingress of a preview URL: its layer 3 address, usually service.namespace' },
  { flags: '--ingress-l5 <host>', description: 'layer 5 hostname of a preview URL (TLS-SNI, Host header); default: --ingress-host' },
  { flags: '--ingress-port <port>', description: 'TCP port of the ingress of a preview URL' },
  { flags: '--ingress-tls', description: 'the ingress of a preview URL uses TLS on that port' },
];

export const INTERCEPT_FLAGS: FlagSpec[] = [
  { flags: '--address <host>', description: 'address of this workstation to forward to; default: 127.0.0.1' },
  { flags: '--container <name>', description: 'container whose environment is taken' },
  { flags: '-d, --deployment <name>', description: 'workload to intercept (2.0; now --workload)', hidden: true },
  { flags: '--detailed-output', description: 'with --format: everything, the environment included' },
  ...DOCKER_FLAGS,
  ...ENV_FLAGS,
  { flags: '--fallback', description: 'let the app in the cluster answer while nothing listens on the local port' },
  ...HTTP_FLAGS,
  { flags: '--http-match <mode>', description: 'header to match (2.3)', state: 'refused', hidden: true },
  { flags: '--http-meta <key=value>', description: 'metadata (2.4)', takes: 'many', state: 'refused', hidden: true },
  { flags: '--http-plaintext', description: 'no TLS towards the workstation (2.4; now --plaintext)', hidden: true },
  ...INGRESS_FLAGS,
  { flags: '-l, --local-only', description: 'no intercept, names of the namespace only (2.0.3)', state: 'refused', hidden: true },
  { flags: '--local-mount-port <port>', description: 'port for an external mounter', state: 'planned' },
  { flags: '--match <mode>', description: 'header to match (2.0)', state: 'refused', hidden: true },
  { flags: '--mechanism <mechanism>', description: 'tcp or http; default: http after a login, else tcp' },
  { flags: '--metadata <key=value>', description: 'metadata of the intercept', takes: 'list', state: 'planned' },
  { flags: '--mount [path]', description: 'where volumes are mounted; false: nowhere' },
  { flags: '-n, --namespace <name>', description: 'namespace of the workload; default: the connected one' },
  { flags: '--no-proof-header', description: 'no x-telepresence-intercepted-by header on answers' },
  { flags: '--node-agent', description: 'serve the intercept by an agent on the node', state: 'planned' },
  { flags: '--plaintext', description: 'no TLS towards the workstation, where the agent ends that of the pod' },
  { flags: '-p, --port <port>', description: 'LOCAL[:PORT][/PROTOCOL]: local port, and name or number of the port of the service', takes: 'list' },
  { flags: '--preview-url-add-request-headers <name=value>', description: 'headers that a preview URL adds', takes: 'list', state: 'planned' },
  { flags: '-b, --preview-url-banner', description: 'banner of a preview URL', state: 'refused', hidden: true },
  { flags: '-u, --preview-url', description: 'make a preview URL; default: true after a login' },
  { flags: '--replace', description: 'replace the container of the app', state: 'planned' },
  { flags: '--service <name>', description: 'service to intercept' },
  { flags: '--to-pod <port>', description: 'ports of the pod to reach on localhost', takes: 'list', state: 'planned' },
  { flags: '--use-saved-intercept <name>', description: 'intercept saved in the cloud (2.7)', state: 'refused', hidden: true },
  { flags: '--wait-message <text>', description: 'line to print when the intercept is there' },
  { flags: '-w, --workload <name>', description: 'workload (name, or kind/name), if different from the name of the intercept' },
];

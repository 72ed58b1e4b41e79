import { DOCKER_FLAGS, ENV_FLAGS, HTTP_FLAGS } from '../intercept-flags.ts';
import type { Unbuilt } from './unbuilt.ts';

const DOCKER = DOCKER_FLAGS.map((flag) => flag.flags);
const ENV = ENV_FLAGS.map((flag) => flag.flags);
const HTTP = HTTP_FLAGS.map((flag) => flag.flags);
const COMMON = [...DOCKER, ...ENV, '--local-mount-port <port>', '--mount [path]', '-n, --namespace <name>', '--wait-message <text>'];
const TARGET = ['--address <host>', '--container <name>', '--detailed-output', '-p, --port <port>'];

export const attachments: Unbuilt[] = [
  ['ingest', 'planned', 'Take the environment and volumes of a container', [...COMMON, '-c, --container <name>', '--node-agent', '--to-pod <port>']],
  ['replace', 'planned', 'Replace a container', [...COMMON, ...TARGET, '--to-pod <port>']],
  [
    'wiretap',
    'planned',
    'Get a copy of the traffic of a service',
    [...COMMON, ...TARGET, ...HTTP, '--mechanism <mechanism>', '--node-agent', '--plaintext', '--service <name>', '-w, --workload <name>'],
  ],
];

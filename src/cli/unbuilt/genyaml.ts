import { KUBE, type Unbuilt } from './unbuilt.ts';

const OUT = '-o, --output <file>';

export const genyaml: Unbuilt[] = [
  ['genyaml', 'refused', 'Generate YAML for manifests of an agent that is injected by hand', [OUT]],
  ['genyaml annotations', 'refused', 'Annotations of the pod template', ['-a, --agent <file>', OUT]],
  [
    'genyaml config',
    'refused',
    'Config of the agent',
    [
      '--agent-image <image>',
      '--agent-port <port>',
      '-i, --input <file>',
      '--loglevel <level>',
      '--manager-namespace <name>',
      '--manager-port <port>',
      '-n, --namespace <name>',
      OUT,
      '-w, --workload <name>',
      KUBE,
    ],
  ],
  ['genyaml container', 'refused', 'Container of the agent', ['-a, --agent <file>', '-i, --input <file>', '-n, --namespace <name>', OUT, KUBE]],
  ['genyaml initcontainer', 'refused', 'Init container of the agent', ['-a, --agent <file>', '-n, --namespace <name>', OUT, KUBE]],
  ['genyaml volume', 'refused', 'Volume of the agent', ['-a, --agent <file>', '-i, --input <file>', '-n, --namespace <name>', OUT, KUBE]],
];

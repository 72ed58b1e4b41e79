/** Nodes, custom resources and running pods. */
import { TEST_IMAGE } from '../../../../e2e/apps/echo.ts';
import { type KubectlScene, until } from '../scene.ts';
import { labels, object } from './objects.ts';

const GROUP = 'typed.compliance.example.com';
/** Another for each scene that runs at the same time. */
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gadgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', shortNames: ['gd'], categories: ['toys'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size', description: 'how large' },
          { name: 'Phase', type: 'string', jsonPath: '.status.phase', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'Gadget is a toy.',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, description: 'How large it is.' },
                  color: { type: 'string', enum: ['green', 'blue'], default: 'green' },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' }, size: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
};
const gadget = (spec: object, name = 'one') => ({ apiVersion: `${GROUP}/v1`, kind: 'Gadget', metadata: { name }, spec });
const runs = (name: string, script: string, more: object = {}) =>
  object('v1', 'Pod', name, {
    spec: {
      terminationGracePeriodSeconds: 1,
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', script] }],
      ...more,
    },
  });
const STAYS = 'console.log("up"); setInterval(() => undefined, 1e6); process.on("SIGTERM", () => process.exit(0))';

export const CLUSTER_SCENES: KubectlScene[] = [
  {
    name: 'custom resources',
    files: {
      'crd.json': definition,
      'one.json': gadget({ size: 2 }),
      'larger.json': gadget({ size: 3, color: 'blue' }),
      // one fault: an API server names several in any order
      'wrong.json': gadget({ size: 0 }, 'wrong'),
      'less.json': gadget({}, 'less'),
      'more.json': gadget({ size: 1, surprise: true }, 'more'),
    },
    cleanup: [`crd gadgets.${GROUP}`],
    lines: [
      'kubectl apply -f crd.json',
      `kubectl wait --for=condition=Established crd/gadgets.${GROUP} --timeout=30s`,
      until(/gadgets/, `kubectl api-resources --api-group=${GROUP} -o wide`),
      until(/No resources/, 'kubectl get gadgets 2>&1'),
      'kubectl create -f one.json',
      ...['wrong', 'less', 'more'].map((file) => `kubectl create -f ${file}.json`),
      'kubectl create -f more.json --validate=ignore',
      'kubectl apply -f one.json',
      'kubectl apply -f larger.json',
      'kubectl diff -f one.json | grep "^[-+] "',
      'kubectl apply --server-side -f one.json',
      'kubectl apply --server-side -f one.json --force-conflicts',
      'kubectl get gd',
      'kubectl get gadgets -o wide',
      'kubectl get toys -o name',
      `kubectl get gadgets.v1.${GROUP} one -o yaml`,
      'kubectl describe gadget one | grep -v Time',
      'kubectl scale gadget one --replicas=5',
      'kubectl get gadget one -o jsonpath="{.spec}"',
      'kubectl patch gadget one -p "{}"',
      `kubectl patch gadget one --type=merge -p '{"spec":{"color":"red"}}'`,
      `kubectl patch gadget one --type=merge --subresource=status -p '{"status":{"phase":"Playing"}}'`,
      'kubectl wait --for=jsonpath={.status.phase}=Playing gadget/one --timeout=10s',
      'kubectl label gadget one a=b',
      'kubectl replace -f larger.json',
      'kubectl explain gadget',
      'kubectl explain gadget.spec',
      'kubectl explain gadget --recursive',
      `kubectl get crd gadgets.${GROUP} -o jsonpath="{.status.conditions[*].type} {.status.storedVersions}"`,
      'kubectl delete gadgets --all',
      `kubectl delete crd gadgets.${GROUP}`,
    ],
  },
  {
    // a Node that no machine stands behind: what a real one has is its own affair
    name: 'nodes',
    files: {
      'node.json': { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-NS', labels: { 'example.com/pool': 'x' } }, spec: { podCIDR: '192.0.2.0/24' } },
    },
    cleanup: ['node node-NS'],
    lines: [
      'kubectl create -f node.json',
      'kubectl get node node-NS',
      'kubectl cordon node-NS',
      'kubectl cordon node-NS',
      'kubectl get node node-NS -o jsonpath="{.spec.unschedulable}"',
      'kubectl uncordon node-NS',
      'kubectl uncordon node-NS',
      'kubectl taint nodes node-NS dedicated=x:NoSchedule',
      'kubectl taint nodes node-NS dedicated=y:NoSchedule',
      'kubectl taint nodes node-NS dedicated=y:NoSchedule --overwrite',
      'kubectl taint nodes node-NS dedicated:NoSchedule-',
      'kubectl taint nodes node-NS dedicated:NoSchedule-',
      'kubectl taint nodes node-NS wrong=x:Sometimes',
      'kubectl label node node-NS tier=front',
      'kubectl annotate node node-NS note=x',
      `kubectl patch node node-NS -p '{"spec":{"unschedulable":true}}'`,
      'kubectl get nodes -l example.com/pool=x -o custom-columns=NAME:.metadata.name,OFF:.spec.unschedulable',
      'kubectl drain node-NS',
      'kubectl drain -l example.com/pool=x --dry-run=server',
      'kubectl drain nobody',
      'kubectl cordon nobody',
      'kubectl delete node node-NS',
    ],
  },
  {
    name: 'pods that run',
    files: {
      'stays.json': runs('stays', STAYS),
      'ends.json': runs('ends', 'console.log("done")'),
      'fails.json': runs('fails', 'console.error("broken"); process.exit(3)'),
      'init.json': runs('init', STAYS, {
        initContainers: [{ name: 'first', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', 'console.log("first")'] }],
      }),
      'pulls.json': object('v1', 'Pod', 'pulls', { spec: { containers: [{ name: 'main', image: 'nowhere.invalid/none:1', imagePullPolicy: 'Never' }] } }),
      'svc.json': object('v1', 'Service', 'one', { spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } }),
    },
    lines: [
      'kubectl create -f stays.json -f ends.json -f fails.json -f init.json -f pulls.json -f svc.json',
      'kubectl wait --for=condition=Ready pod/stays pod/init --timeout=60s',
      'kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/ends --timeout=60s',
      'kubectl wait --for=jsonpath={.status.phase}=Failed pod/fails --timeout=60s',
      until(/ErrImageNeverPull/, 'kubectl get pod pulls'),
      'kubectl get pods',
      'kubectl get pods -o wide',
      'kubectl get pods --field-selector=status.phase=Failed',
      'kubectl get pod stays -o jsonpath="{.status.conditions[*].type} {.status.phase} {.status.qosClass} {.spec.nodeName}"',
      'kubectl get pod fails -o jsonpath="{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.reason}"',
      'kubectl get pod init -o jsonpath="{.status.initContainerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].started}"',
      'kubectl describe pod stays | grep -v "ID:\\|Pulled\\|QoS\\|Created \\|Image"',
      'kubectl describe pod fails | grep -A9 State:',
      'kubectl events --for=pod/stays --no-headers | grep -o "Started .*\\|Scheduled .*"',
      until(/8080,192/, 'kubectl get endpoints one 2>/dev/null | sed "s/10.244[0-9.]*/192/g"'),
      'kubectl get endpointslices -l kubernetes.io/service-name=one -o jsonpath="{.items[0].ports} {.items[0].addressType}"',
      'kubectl logs stays',
      'kubectl logs stays --tail=0',
      'kubectl logs ends --timestamps | cut -c 31-',
      'kubectl logs fails',
      'kubectl logs init -c first',
      'kubectl logs init --all-containers --prefix | sort',
      'kubectl logs init -c nothing',
      'kubectl logs pulls',
      'kubectl logs stays --previous',
      'kubectl exec stays -- /app/node -e "console.log(1 + 1)"',
      'kubectl exec stays -- /app/node -e "process.exit(5)"',
      'kubectl exec stays -- nothing',
      'kubectl exec ends -- /app/node -v',
      'kubectl label pod stays tier=front',
      'kubectl set image pod/stays main=nowhere.invalid/none:2 --dry-run=server',
      `kubectl patch pod stays -p '{"spec":{"terminationGracePeriodSeconds":7}}' 2>&1 | head -1`,
      'kubectl delete pod stays',
      'kubectl delete pod ends fails pulls --wait=false',
      'kubectl delete pod init --grace-period=0 --force',
    ],
  },
];

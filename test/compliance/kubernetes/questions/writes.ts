/** Updates, patches, applies and deletions in the order in which somebody makes them. */
import { dry, get, object, patch, post, put, remove, type Scene } from '../question.ts';

const maps = '/api/v1/namespaces/NS/configmaps';
const deployments = '/apis/apps/v1/namespaces/NS/deployments';
const services = '/api/v1/namespaces/NS/services';
const map = (data: Record<string, unknown>, metadata: object = {}) => object('v1', 'ConfigMap', 'one', { data, metadata });
const deployment = (name: string, spec: Record<string, unknown>) => object('apps/v1', 'Deployment', name, { spec });
const container = { name: 'web', image: 'example.com/web:1' };
const good = { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } } };
const pod = (spec: Record<string, unknown>) => object('v1', 'Pod', 'one', { spec: { containers: [container], ...spec } });
const pods = '/api/v1/namespaces/NS/pods';
const applied = (by: string, data: Record<string, unknown>, query: Record<string, string> = {}) =>
  patch('apply', `${maps}/one`, map(data), { query: { fieldManager: by, ...query } });

export const WRITE_SCENES: Scene[] = [
  {
    name: 'two managers apply one object',
    questions: [
      applied('a', { x: '1', y: '1' }),
      applied('a', { x: '1', y: '1' }),
      applied('b', { x: '1', z: '1' }),
      applied('b', { x: '2', z: '1' }),
      applied('b', { x: '2', y: '3' }),
      applied('b', { x: '2', z: '1' }, { force: 'true' }),
      applied('a', { y: '1' }),
      applied('a', {}),
      patch('merge', `${maps}/one`, { data: { w: '1' } }, { query: { fieldManager: 'c' } }),
      applied('a', { w: '2' }, { dryRun: 'All', force: 'true' }),
      patch('apply', `${maps}/one`, map({}), { query: { fieldManager: '' } }),
      patch('apply', `${maps}/one`, { data: {} }),
      patch('apply', `${maps}/two`, map({})),
      patch('apply', `${maps}/one`, map({}, { managedFields: [{}] })),
      patch('apply', `${maps}/one`, map({}, { resourceVersion: '1' })),
      patch('apply', `${maps}/three`, { ...map({}), metadata: { name: 'three', uid: 'x' } }),
      patch('merge', `${maps}/one`, {}, { query: { force: 'true' } }),
      patch('merge', `${maps}/one`, { metadata: { managedFields: [{}] } }),
      applied('d', { v: '1' }),
    ],
  },
  {
    name: 'apply of lists',
    questions: [
      patch('apply', `${services}/one`, object('v1', 'Service', 'one', { spec: { selector: { app: 'web' }, ports: [{ port: 80, name: 'http' }] } }), {
        query: { fieldManager: 'a' },
      }),
      patch('apply', `${services}/one`, object('v1', 'Service', 'one', { spec: { ports: [{ port: 443, name: 'https' }] } }), { query: { fieldManager: 'b' } }),
      patch('apply', `${services}/one`, object('v1', 'Service', 'one', { spec: { ports: [{ port: 80, name: 'web' }] } }), { query: { fieldManager: 'b' } }),
      patch('apply', `${services}/one`, object('v1', 'Service', 'one', { spec: { selector: { app: 'web' } } }), { query: { fieldManager: 'a' } }),
      patch('strategic', `${services}/one`, { spec: { ports: [{ port: 8080, name: 'more' }] } }),
      patch('strategic', `${services}/one`, { spec: { ports: [{ port: 8080, $patch: 'delete' }] } }),
      patch('merge', `${services}/one`, { spec: { ports: [{ port: 81 }] } }),
      patch('merge', `${services}/one`, { spec: { clusterIP: '10.96.0.99' } }),
      patch('merge', `${services}/one`, { spec: { ports: [{ port: 81 }, { port: 82 }] } }),
      patch('merge', `${services}/one`, { spec: { ports: [] } }),
      patch('merge', `${services}/one`, { spec: { type: 'NodePort' } }),
      patch('merge', `${services}/one`, { spec: { type: 'Nonsense' } }),
    ],
  },
  {
    name: 'updates and conflicts',
    questions: [
      put(`${maps}/one`, map({ a: '1' })),
      post(maps, map({ a: '1' })),
      put(`${maps}/one`, map({ a: '2' })),
      put(`${maps}/one`, map({ a: '2' }, { resourceVersion: '1' })),
      put(`${maps}/one`, map({ a: '2' }, { uid: '00000000-0000-0000-0000-000000000000' })),
      put(`${maps}/two`, map({ a: '2' })),
      put(`${maps}/one`, map({ a: 5 })),
      put(`${maps}/one`, { ...map({}), immutable: true }),
      put(`${maps}/one`, map({ a: '9' })),
      patch('merge', `${maps}/one`, { immutable: false }),
      patch('json', `${maps}/one`, [{ op: 'test', path: '/data/a', value: 'x' }]),
      patch('json', `${maps}/one`, [{ op: 'nonsense', path: '/data/a' }]),
      patch('json', `${maps}/one`, { a: 1 }),
      patch('json', `${maps}/one`, [{ op: 'replace', path: '/nothing/here', value: 1 }]),
      patch('merge', `${maps}/one`, { metadata: { name: 'other' } }),
      patch('merge', `${maps}/one`, { metadata: { resourceVersion: '1' } }),
      remove(`${maps}/one`, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }),
      remove(`${maps}/one`, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion: '1' } }),
      remove(`${maps}/one`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Nonsense' }),
      remove(`${maps}/one`, { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] }),
      remove(`${maps}/one`, { kind: 'DeleteOptions', apiVersion: 'v1' }),
      get(`${maps}/one`),
      post(maps, { ...map({}), metadata: { generateName: 'gen-' } }),
      dry(maps, map({}), { dryRun: 'Some' }),
      dry(maps, map({}), { fieldValidation: 'Nonsense' }),
    ],
  },
  {
    name: 'what a Deployment may be',
    questions: [
      dry(deployments, deployment('one', {})),
      dry(deployments, deployment('one', { ...good, replicas: -1 })),
      dry(deployments, deployment('one', { ...good, replicas: 'many' })),
      dry(deployments, deployment('one', { ...good, selector: { matchLabels: { app: 'other' } } })),
      dry(deployments, deployment('one', { ...good, selector: {} })),
      dry(deployments, deployment('one', { ...good, strategy: { type: 'Recreate' } })),
      dry(deployments, deployment('one', { ...good, strategy: { type: 'Nonsense' } })),
      dry(deployments, deployment('one', { ...good, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } })),
      dry(deployments, deployment('one', { ...good, template: { ...good.template, spec: { containers: [] } } })),
      dry(deployments, deployment('one', { ...good, template: { ...good.template, spec: { restartPolicy: 'Never', containers: [container] } } })),
      dry(deployments, deployment('one', { ...good, paused: true, minReadySeconds: 5 })),
    ],
  },
  {
    name: 'what a pod may be',
    questions: [
      dry(pods, pod({ containers: [] })),
      dry(pods, pod({ containers: [{ name: 'web' }] })),
      dry(pods, pod({ containers: [{ image: 'x' }] })),
      dry(pods, pod({ containers: [container, container] })),
      dry(pods, pod({ containers: [{ ...container, name: 'Not A Name' }] })),
      dry(
        pods,
        pod({
          containers: [
            { ...container, image: 'example.com/web' },
            { name: 'b', image: 'b:latest' },
            { name: 'c', image: 'c@sha256:0000000000000000000000000000000000000000000000000000000000000000' },
          ],
        }),
      ),
      dry(pods, pod({ containers: [{ ...container, ports: [{ containerPort: 80 }, { containerPort: 81, name: 'http', protocol: 'UDP' }] }] })),
      dry(pods, pod({ containers: [{ ...container, ports: [{ containerPort: 70_000 }] }] })),
      dry(
        pods,
        pod({
          containers: [
            {
              ...container,
              ports: [
                { containerPort: 80, name: 'a' },
                { containerPort: 81, name: 'a' },
              ],
            },
          ],
        }),
      ),
      dry(
        pods,
        pod({
          containers: [
            { ...container, env: [{ name: 'A', value: '1' }, { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'C' }] },
          ],
        }),
      ),
      dry(pods, pod({ containers: [{ ...container, env: [{ name: '1=x' }] }] })),
      dry(
        pods,
        pod({
          containers: [
            {
              ...container,
              readinessProbe: { httpGet: { port: 80 } },
              livenessProbe: { exec: { command: ['true'] }, periodSeconds: 3 },
              startupProbe: { tcpSocket: { port: 'x' } },
            },
          ],
        }),
      ),
      dry(pods, pod({ containers: [{ ...container, volumeMounts: [{ name: 'nothing', mountPath: '/x' }] }] })),
      dry(
        pods,
        pod({
          volumes: [
            { name: 'a' },
            { name: 'b', configMap: { name: 'x' } },
            { name: 'c', secret: { secretName: 'x' } },
            { name: 'd', hostPath: { path: '/x' } },
            { name: 'e', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          ],
        }),
      ),
      dry(pods, pod({ volumes: [{ name: 'a', emptyDir: {}, secret: { secretName: 'x' } }] })),
      dry(
        pods,
        pod({
          volumes: [
            { name: 'a', emptyDir: {} },
            { name: 'a', emptyDir: {} },
          ],
        }),
      ),
      dry(pods, pod({ initContainers: [{ ...container, name: 'init', restartPolicy: 'Always' }] })),
      dry(pods, pod({ initContainers: [{ ...container, restartPolicy: 'Sometimes' }] })),
      dry(pods, pod({ restartPolicy: 'Sometimes' })),
      dry(pods, pod({ serviceAccountName: 'nobody' })),
      dry(pods, pod({ automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: 0 })),
      dry(pods, pod({ containers: [{ ...container, resources: { limits: { cpu: '0.5', memory: '64Mi' } } }] })),
      dry(pods, pod({ containers: [{ ...container, resources: { limits: { cpu: 'much' } } }] })),
      dry(pods, pod({ containers: [{ ...container, resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }] })),
      dry(pods, pod({ hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 80 }] }] })),
      dry(pods, pod({ priorityClassName: 'nothing' })),
      dry(pods, pod({ containers: [{ ...container, imagePullPolicy: 'Sometimes' }] })),
      dry(pods, pod({ containers: [{ ...container, immage: 'x', command: 'x' }] })),
      dry(pods, pod({ dnsPolicy: 'Nonsense' })),
      dry(pods, pod({ tolerations: [{ key: 'a', operator: 'Exists' }], nodeSelector: { a: 'b' }, hostAliases: [{ ip: '1.2.3.4', hostnames: ['x'] }] })),
    ],
  },
  {
    name: 'what a Service may be',
    questions: [
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [] } })),
      dry(services, object('v1', 'Service', 'one', { spec: {} })),
      dry(services, object('v1', 'Service', '1one', { spec: { ports: [{ port: 80 }] } })),
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [{ port: 0 }] } })),
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [{ port: 80 }, { port: 81 }] } })),
      dry(services, object('v1', 'Service', 'one', { spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], clusterIP: 'None' } })),
      dry(
        services,
        object('v1', 'Service', 'one', {
          spec: {
            ports: [
              { port: 80, name: 'a' },
              { port: 80, name: 'b', protocol: 'UDP' },
            ],
            type: 'NodePort',
          },
        }),
      ),
      dry(services, object('v1', 'Service', 'one', { spec: { type: 'ExternalName', externalName: 'example.com' } })),
      dry(services, object('v1', 'Service', 'one', { spec: { type: 'ExternalName' } })),
      dry(services, object('v1', 'Service', 'one', { spec: { type: 'Nonsense', ports: [{ port: 80 }] } })),
      dry(services, object('v1', 'Service', 'one', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } })),
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [{ port: 80 }], clusterIP: '1.2.3.4' } })),
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [{ port: 80 }], sessionAffinity: 'ClientIP' } })),
      dry(services, object('v1', 'Service', 'one', { spec: { ports: [{ port: 80, protocol: 'Nonsense' }] } })),
    ],
  },
];

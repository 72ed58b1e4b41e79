import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { AGENT_UID, type AgentConfig, type AgentPort } from '../../protocol/agent-config.ts';
import { ANNOTATION } from '../../protocol/resources.ts';
import { type InjectSettings, injectAgent } from './inject.ts';
import { podPatch } from './review.ts';

const settings: InjectSettings = {
  image: 'telepresence.local/telepresence:0',
  pullPolicy: 'IfNotPresent',
  managerHost: 'traffic-manager-agents.ambassador',
  managerPort: 8444,
  managerAddresses: ['192.0.2.1', '192.0.2.2'],
  ca: 'PEM',
  logLevel: 'info',
  nativeSidecars: true,
  resources: { requests: { cpu: '10m' } },
  initResources: {},
  securityContext: {},
  initSecurityContext: {},
  pullSecrets: [],
  managerNamespace: 'ambassador',
  meshed: false,
  netAdminRefused: false,
};
const named: AgentPort = { container: 'web', containerPort: 8080, name: 'http', protocol: 'TCP', mode: 'named', agentPort: 9900 };
const redirected: AgentPort = { container: 'web', containerPort: 8080, protocol: 'TCP', mode: 'redirect', agentPort: 9900, probePort: 9901 };
const patched: AgentPort = { container: 'web', containerPort: 8080, name: 'tp-8080', protocol: 'TCP', mode: 'patched', agentPort: 9900 };

function podOf(ports: AgentPort[], container: Partial<Container> = {}, spec: Partial<Pod['spec']> = {}): Pod {
  const config: AgentConfig = { version: 1, workload: { kind: 'Deployment', name: 'web', namespace: 'shop' }, ports, manager: 'ambassador', healthPort: 9899 };
  return {
    metadata: { generateName: 'web-', annotations: { [ANNOTATION.inject]: 'enabled', [ANNOTATION.agentConfig]: JSON.stringify(config) } },
    spec: { containers: [{ name: 'web', ports: [{ name: 'http', containerPort: 8080 }], ...container }], ...spec },
  };
}
function inject(pod: Pod, more: Partial<InjectSettings> = {}): Pod {
  const result = injectAgent(pod, { ...settings, ...more });
  if (result.pod === undefined) throw new Error(`not injected: ${result.skipped}`);
  return result.pod;
}
const initNames = (pod: Pod) => pod.spec?.initContainers?.map(({ name }) => name);
const sidecar = (pod: Pod) => [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find(({ name }) => name === 'traffic-agent');
const app = (pod: Pod) => pod.spec?.containers.find(({ name }) => name === 'web');

describe('who gets an agent', () => {
  it('passes over pods that do not ask, without a word', () => {
    expect(injectAgent({ spec: { containers: [{ name: 'web' }] } }, settings)).toEqual({ skipped: undefined });
    const disabled = podOf([named]);
    if (disabled.metadata?.annotations) disabled.metadata.annotations[ANNOTATION.inject] = 'disabled';
    expect(injectAgent(disabled, settings)).toEqual({ skipped: undefined });
    expect(injectAgent(podOf([named]), { ...settings, managerNamespace: 'other' })).toEqual({ skipped: undefined });
  });

  it.each([
    ['node network', podOf([named], {}, { hostNetwork: true }), {}, /node's network/],
    ['Windows', podOf([named], {}, { os: { name: 'windows' } }), {}, /Windows/],
    ['redirect where NET_ADMIN is refused', podOf([redirected]), { netAdminRefused: true }, /NET_ADMIN/],
    ['a broken config', { ...podOf([]), metadata: { annotations: { [ANNOTATION.inject]: 'enabled', [ANNOTATION.agentConfig]: '{' } } }, {}, /not JSON/],
    ['no config', { ...podOf([]), metadata: { annotations: { [ANNOTATION.inject]: 'enabled' } } }, {}, /never intercepted/],
  ] as const)('says why there is none: %s', (_, pod, more, reason) => {
    expect(injectAgent(pod, { ...settings, ...more })).toEqual({ skipped: expect.stringMatching(reason) });
  });
});

describe('the sidecar', () => {
  it('is a container beside the app, and PodSecurity restricted lets it pass', () => {
    const pod = inject(podOf([named], {}, { initContainers: [{ name: 'migrate' }], volumes: [{ name: 'data', emptyDir: {} }] }));
    expect(initNames(pod)).toEqual(['migrate']);
    expect(pod.spec?.containers.map(({ name }) => name)).toEqual(['web', 'traffic-agent']);
    expect(sidecar(pod)).not.toHaveProperty('restartPolicy');
    expect(sidecar(pod)).toMatchObject({
      args: expect.arrayContaining(['/app/agent.mjs']),
      ports: [{ name: 'http', containerPort: 9900, protocol: 'TCP' }],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: AGENT_UID,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
      readinessProbe: { httpGet: { port: 9899 } },
    });
    expect(pod.spec?.volumes?.map(({ name }) => name)).toEqual(['data', 'telepresence-token']);
  });

  it('knows where the managers are', () => {
    expect(sidecar(inject(podOf([named])))?.env).toContainEqual({ name: 'TELEPRESENCE_AGENT_MANAGER_ADDRESSES', value: '192.0.2.1,192.0.2.2' });
  });

  it('is started before the app, in the same turn, where the kubelet asks the app through it; the app is still the default container', () => {
    const patient = { livenessProbe: { httpGet: { port: 8080 } }, readinessProbe: { tcpSocket: { port: 8080 } } };
    const pod = inject(podOf([redirected], patient));
    expect(initNames(pod)).toEqual(['tel-agent-init']);
    expect(pod.spec?.containers.map(({ name }) => name)).toEqual(['traffic-agent', 'web']);
    expect(pod.metadata?.annotations?.['kubectl.kubernetes.io/default-container']).toBe('web');
    const chosen = podOf([redirected], patient);
    Object.assign(chosen.metadata?.annotations ?? {}, { 'kubectl.kubernetes.io/default-container': 'other' });
    expect(inject(chosen).metadata?.annotations?.['kubectl.kubernetes.io/default-container']).toBe('other');
    expect(podPatch(pod, inject(pod))).toEqual([]);
  });

  it('is a native sidecar behind the init containers that are there where it has a UDP port, whose end it can not see', () => {
    const pod = inject(podOf([{ ...named, protocol: 'UDP' }], {}, { initContainers: [{ name: 'migrate' }] }));
    expect(initNames(pod)).toEqual(['migrate', 'traffic-agent']);
    expect(sidecar(pod)).toMatchObject({ restartPolicy: 'Always' });
    expect(sidecar(pod)).not.toHaveProperty('startupProbe');
  });

  it('is an ordinary container in any case on clusters without native sidecars', () => {
    const pod = inject(podOf([redirected], { livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }), { nativeSidecars: false });
    expect(pod.spec?.containers.map(({ name }) => name)).toEqual(['traffic-agent', 'web']);
    expect(sidecar(pod)).not.toHaveProperty('restartPolicy');
    expect(sidecar(pod)).not.toHaveProperty('startupProbe');
    expect(initNames(pod)).toEqual(['tel-agent-init']);
  });

  it('gets the environment of each app container under its letter', () => {
    const pod = inject(
      podOf(
        [named],
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '$(A) $(LATER) $$(A)' },
            { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          ],
        },
        {},
      ),
    );
    expect(sidecar(pod)?.env).toContainEqual({ name: 'TELEPRESENCE_AGENT_CONTAINERS', value: '{"A":"web"}' });
    expect(sidecar(pod)?.env?.slice(-3)).toEqual([
      { name: '_TEL_APP_A_A', value: '1' },
      { name: '_TEL_APP_A_B', value: '$(_TEL_APP_A_A) $(LATER) $$(A)' },
      { name: '_TEL_APP_A_CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', containerName: 'web' } } },
    ]);
  });

  it('gets envFrom with both prefixes, and then every reference may mean it', () => {
    const pod = inject(podOf([named], { env: [{ name: 'URL', value: '$(X_HOST)' }], envFrom: [{ prefix: 'X_', secretRef: { name: 's' } }] }));
    expect(sidecar(pod)?.envFrom).toEqual([{ prefix: '_TEL_APP_A_X_', secretRef: { name: 's' } }]);
    expect(sidecar(pod)?.env?.at(-1)).toEqual({ name: '_TEL_APP_A_URL', value: '$(_TEL_APP_A_X_HOST)' });
  });
});

describe('a named port', () => {
  it('is taken over by name; the app keeps the number, its probes and hooks mean the number', () => {
    const pod = inject(
      podOf([named], {
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'metrics', containerPort: 9090 },
        ],
        livenessProbe: { httpGet: { path: '/live', port: 'http' } },
        readinessProbe: { tcpSocket: { port: 8080 } },
        startupProbe: { httpGet: { port: 'metrics' } },
        lifecycle: { preStop: { httpGet: { path: '/stop', port: 'http' } }, postStart: { exec: { command: ['x'] } } },
      }),
    );
    expect(app(pod)).toMatchObject({
      ports: [{ containerPort: 8080 }, { name: 'metrics', containerPort: 9090 }],
      livenessProbe: { httpGet: { path: '/live', port: 8080 } },
      readinessProbe: { tcpSocket: { port: 8080 } },
      startupProbe: { httpGet: { port: 'metrics' } },
      lifecycle: { preStop: { httpGet: { path: '/stop', port: 8080 } }, postStart: { exec: { command: ['x'] } } },
    });
    expect(app(pod)?.ports?.[0]).not.toHaveProperty('name');
  });
});

describe('a redirected port', () => {
  const probed = podOf([redirected], {
    livenessProbe: { httpGet: { port: 'http' }, periodSeconds: 1 },
    readinessProbe: { grpc: { port: 8080, service: 's' } },
    startupProbe: { httpGet: { host: '192.0.2.1', port: 8080 } },
    lifecycle: { preStop: { httpGet: { port: 8080 } } },
  });
  it('needs one init container with NET_ADMIN and nothing else', () => {
    const pod = inject(probed);
    expect(initNames(pod)).toEqual(['tel-agent-init', 'traffic-agent']);
    expect(pod.spec?.initContainers?.[0]).toMatchObject({
      args: ['/app/agent-init.mjs', 'tcp:8080:9900'],
      securityContext: { capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } },
    });
  });
  it.each([
    ['an impatient probe', { livenessProbe: { httpGet: { port: 'http' }, initialDelaySeconds: 3, periodSeconds: 3 } }, true],
    ['a hook', { lifecycle: { postStart: { httpGet: { port: 8080 } } } }, true],
    ['a patient startup probe', { startupProbe: { httpGet: { port: 'http' }, periodSeconds: 1, failureThreshold: 30 } }, false],
    ['a readiness probe', { readinessProbe: { httpGet: { port: 'http' } } }, false],
  ])('must listen before the app starts, if the kubelet would end the app otherwise: %s', (_, container, awaited) => {
    expect(sidecar(inject(podOf([redirected], container)))?.startupProbe !== undefined).toBe(awaited);
  });
  it("sends the app's probes to the agent's probe port, except those that ask another host", () => {
    expect(app(inject(probed))).toMatchObject({
      ports: [{ name: 'http', containerPort: 8080 }],
      livenessProbe: { httpGet: { port: 9901 } },
      readinessProbe: { grpc: { port: 9901, service: 's' } },
      startupProbe: { httpGet: { port: 8080 } },
      lifecycle: { preStop: { httpGet: { port: 9901 } } },
    });
  });
});

it('declares the name of a patched port and leaves the app as it is', () => {
  const before = podOf([patched], { livenessProbe: { httpGet: { port: 'http' } } });
  const pod = inject(before);
  expect(sidecar(pod)?.ports).toEqual([{ name: 'tp-8080', containerPort: 9900, protocol: 'TCP' }]);
  expect(app(pod)).toEqual(app(before));
});

it('changes nothing when it is called again, but mends what another webhook brought back', () => {
  const once = inject(podOf([named], { livenessProbe: { httpGet: { port: 'http' } } }));
  expect(podPatch(once, inject(once))).toEqual([]);
  const [web] = once.spec?.containers ?? [];
  if (web === undefined || once.spec === undefined) throw new Error('no container');
  const meddled: Pod = { ...once, spec: { ...once.spec, containers: [{ ...web, livenessProbe: { httpGet: { port: 'http' } } }] } };
  expect(app(inject(meddled))?.livenessProbe).toEqual({ httpGet: { port: 8080 } });
});

it("keeps a mesh's proxy away from the ports that the kubelet asks", () => {
  const pod = inject(podOf([redirected]), { meshed: true });
  expect(pod.metadata?.annotations).toMatchObject({ 'traffic.sidecar.istio.io/excludeInboundPorts': '9899,9901' });
});

describe('the TLS keys of a port', () => {
  const withAnnotations = (annotations: Record<string, string>, container: Partial<Container> = {}) => {
    const pod = podOf([named], container);
    return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } } };
  };
  const told = (pod: Pod): AgentPort['tls'] => {
    const config = sidecar(pod)?.env?.find(({ name }) => name === 'TELEPRESENCE_AGENT_CONFIG')?.value ?? '{}';
    return (JSON.parse(config) as AgentConfig).ports[0]?.tls;
  };

  it.each([
    ['by the port’s number', { 'telepresence.io/downstream-tls-secret.8080': 'web-tls' }],
    ['by its name', { 'telepresence.io/downstream-tls-secret.http': 'web-tls' }],
    ['under the name of the 2.x years', { 'telepresence.getambassador.io/downstream-tls-secret.8080': 'web-tls' }],
    ['for the whole pod', { 'getambassador.io/inject-terminating-tls-secret': 'web-tls' }],
  ])('are mounted from the Secret that is named %s', (_, annotations) => {
    const pod = inject(withAnnotations(annotations));
    expect(told(pod)).toEqual({ certificate: '/var/run/telepresence-tls/web-tls' });
    expect(pod.spec?.volumes).toContainEqual({ name: 'telepresence-tls-web-tls', secret: { secretName: 'web-tls', optional: true } });
    expect(sidecar(pod)?.volumeMounts).toContainEqual({
      name: 'telepresence-tls-web-tls',
      mountPath: '/var/run/telepresence-tls/web-tls',
      readOnly: true,
    });
  });

  it('are two where the app asks its clients for certificates', () => {
    const pod = inject(withAnnotations({ 'telepresence.io/downstream-tls-secret.8080': 'a', 'telepresence.io/upstream-tls-secret.8080': 'b' }));
    expect(told(pod)).toEqual({ certificate: '/var/run/telepresence-tls/a', client: '/var/run/telepresence-tls/b' });
  });

  it('come out of the app’s own volume where a folder is named', () => {
    const volumeMounts = [
      { name: 'all', mountPath: '/etc' },
      { name: 'certs', mountPath: '/etc/certs' },
    ];
    const pod = inject(withAnnotations({ 'telepresence.io/downstream-tls-path.8080': '/etc/certs/web' }, { volumeMounts }));
    expect(told(pod)).toEqual({ certificate: '/etc/certs/web' });
    expect(sidecar(pod)?.volumeMounts).toContainEqual({ name: 'certs', mountPath: '/etc/certs', readOnly: true });
  });

  it('are none of another port, and none without an annotation', () => {
    expect(told(inject(withAnnotations({ 'telepresence.io/downstream-tls-secret.8443': 'web-tls' })))).toBeUndefined();
    expect(told(inject(podOf([named])))).toBeUndefined();
  });
});

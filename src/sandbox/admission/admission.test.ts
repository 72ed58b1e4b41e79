import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { messageOf } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { namingOf } from '../../install/naming.ts';
import { admissionPolicies } from '../../install/policies.ts';
import { createCertificateAuthority } from '../access/authority.ts';
import { createMemoryClient, type MemoryClient } from '../access/testing/memory-client.ts';
import type { AdmissionAttributes } from '../contract.ts';
import { type AdmissionControl, createAdmission } from './index.ts';
import { violations } from './pod-security/admit.ts';

const REGISTRATION = '/apis/admissionregistration.k8s.io/v1';
let memory: MemoryClient;
let admission: AdmissionControl;
let webhookPort = 0;
let mayAdminister = false;

function attributes(plural: string, object: object | undefined, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  const kinds: Record<string, string> = { pods: 'Pod', configmaps: 'ConfigMap', intercepts: 'Intercept' };
  return {
    operation: 'CREATE',
    type: {
      group: plural === 'intercepts' ? 'telepresence.io' : '',
      version: 'v1',
      plural,
      kind: kinds[plural] ?? '',
      singular: '',
      shortNames: [],
      categories: [],
      namespaced: true,
      verbs: [],
      subresources: [],
    },
    subresource: undefined,
    namespace: 'shop',
    name: 'z',
    user: { username: 'bob', uid: '', groups: ['system:authenticated'], extra: {} },
    object:
      object === undefined
        ? undefined
        : ({ apiVersion: 'v1', kind: kinds[plural] ?? '', metadata: { name: 'z', namespace: 'shop' }, ...object } as AdmissionAttributes['object']),
    oldObject: undefined,
    dryRun: false,
    options: {},
    ...more,
  };
}
const refused = (work: Promise<unknown>) => work.then(() => 'accepted', messageOf);

beforeEach(async () => {
  mayAdminister = false;
  memory = createMemoryClient();
  memory.put('/api/v1/namespaces', { metadata: { name: 'shop', labels: { 'kubernetes.io/metadata.name': 'shop' } } });
  memory.put('/api/v1/namespaces', { metadata: { name: 'going', deletionTimestamp: 'now' } });
  memory.put('/api/v1/serviceaccounts', { metadata: { name: 'default', namespace: 'shop' }, imagePullSecrets: [{ name: 'pull' }] });
  admission = createAdmission({
    client: memory.client,
    dial: async () => {
      const socket = connect(webhookPort, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
    authorizer: { authorize: () => ({ allowed: mayAdminister, reason: '' }) },
    escalation: () => {},
    log: silentLog,
  });
  await admission.start();
});

describe('built-in admission', () => {
  it('gives a pod what the API server gives it', async () => {
    const pod = await admission.mutate(attributes('pods', { spec: { containers: [{ name: 'a', image: 'x' }] } }));
    expect(pod).toMatchObject({
      spec: {
        serviceAccountName: 'default',
        serviceAccount: 'default',
        imagePullSecrets: [{ name: 'pull' }],
        priority: 0,
        preemptionPolicy: 'PreemptLowerPriority',
        tolerations: [{ key: 'node.kubernetes.io/not-ready' }, { key: 'node.kubernetes.io/unreachable' }],
        volumes: [{ name: expect.stringMatching(/^kube-api-access-[a-z0-9]{5}$/), projected: { defaultMode: 420 } }],
        containers: [{ volumeMounts: [{ readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }],
      },
    });
  });
  it('refuses objects in namespaces that are missing or going', async () => {
    expect(await refused(admission.mutate(attributes('configmaps', {}, { namespace: 'nope' })))).toBe('namespaces "nope" not found');
    expect(await refused(admission.mutate(attributes('configmaps', {}, { namespace: 'going', name: 'y' })))).toBe(
      'configmaps "y" is forbidden: unable to create new content in namespace going because it is being terminated',
    );
  });
});

describe('a quota', () => {
  const configMap = () => admission.validate(attributes('configmaps', {}));

  it.each(['configmaps', 'count/configmaps'])('of %s refuses what is one too many', async (resource) => {
    memory.put('/api/v1/resourcequotas', { metadata: { name: 'few', namespace: 'shop' }, spec: { hard: { [resource]: '1', pods: '0' } } });
    expect(await refused(configMap())).toBe('accepted');
    memory.put('/api/v1/configmaps', { metadata: { name: 'first', namespace: 'shop' } });
    expect(await refused(configMap())).toBe(
      `configmaps "z" is forbidden: exceeded quota: few, requested: ${resource}=1, used: ${resource}=1, limited: ${resource}=1`,
    );
  });
});

describe('pod security', () => {
  it('words what a pod violates as the API server does', async () => {
    memory.put('/api/v1/namespaces', { metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } });
    expect(await refused(admission.validate(attributes('pods', { spec: { containers: [{ name: 'ok' }] } }, { name: 'ok' })))).toBe(
      'pods "ok" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "ok" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "ok" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "ok" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "ok" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });
  it('lets an ordinary pod pass the baseline, and not one with NET_ADMIN', () => {
    expect(violations('baseline', { containers: [{ name: 'a' }] })).toEqual([]);
    expect(violations('baseline', { initContainers: [{ name: 'i', securityContext: { capabilities: { add: ['NET_ADMIN'] } } }] })).toEqual([
      'non-default capabilities (container "i" must not include "NET_ADMIN" in securityContext.capabilities.add)',
    ]);
  });
});

describe('policies', () => {
  const policy = (validations: object[]) => {
    memory.put(`${REGISTRATION}/validatingadmissionpolicies`, {
      metadata: { name: 'vp' },
      spec: { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['*'], operations: ['CREATE'], resources: ['configmaps'] }] }, validations },
    });
    memory.put(`${REGISTRATION}/validatingadmissionpolicybindings`, { metadata: { name: 'vpb' }, spec: { policyName: 'vp', validationActions: ['Deny'] } });
  };
  const SAID = `configmaps "z" is forbidden: ValidatingAdmissionPolicy 'vp' with binding 'vpb' denied request: `;
  it.each([
    [{ expression: "object.data.a != '1'" }, `${SAID}failed expression: object.data.a != '1'`, 422],
    [{ expression: 'false', message: 'no b', reason: 'Forbidden' }, `${SAID}no b`, 403],
    [{ expression: 'false', messageExpression: "'no c in ' + object.metadata.name" }, `${SAID}no c in z`, 422],
    [{ expression: "object.data.nope == '1'", message: 'm' }, `${SAID}expression 'object.data.nope == '1'' resulted in error: no such key: nope`, 422],
  ])('refuse in the real words: %o', async (validation, message, code) => {
    policy([validation]);
    await expect(admission.validate(attributes('configmaps', { data: { a: '1' } }))).rejects.toMatchObject({ message, code });
  });

  it('of this project hold', async () => {
    for (const object of admissionPolicies(namingOf('ambassador')))
      memory.put(
        `${REGISTRATION}/${object.kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings'}`,
        object,
      );
    const intercept = (user: string) => ({ spec: { user, session: { name: 's', namespace: 'ambassador' } } });
    expect(await refused(admission.validate(attributes('intercepts', intercept('alice'))))).toContain('spec.user must be bob, the user who asks');
    expect(await refused(admission.validate(attributes('intercepts', intercept('bob'))))).toBe('accepted');
    const old = attributes('intercepts', intercept('alice')).object;
    const remove = attributes('intercepts', undefined, { operation: 'DELETE', oldObject: old });
    expect(await refused(admission.validate(remove))).toContain('it belongs to alice; only they or a telepresence administrator');
    mayAdminister = true;
    expect(await refused(admission.validate(remove))).toBe('accepted');
    const change = attributes('intercepts', intercept('bob'), { operation: 'UPDATE', oldObject: old });
    expect(await refused(admission.validate(change))).toContain('spec.user may not be changed');
  });
});

describe('webhooks', () => {
  async function withWebhook(answer: (request: { uid: string }) => object, config: object, work: () => Promise<void>): Promise<void> {
    const authority = await createCertificateAuthority();
    const pair = await authority.issueServer('hook', ['hook.ops.svc']);
    const server: Server = createServer({ key: pair.key, cert: pair.certificate }, (request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => {
        body += part.toString('utf8');
      });
      request.on('end', () => {
        const review = JSON.parse(body) as { request: { uid: string } };
        response.end(JSON.stringify({ ...review, response: { uid: review.request.uid, ...answer(review.request) } }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    webhookPort = (server.address() as AddressInfo).port;
    memory.put('/api/v1/services', { metadata: { name: 'hook', namespace: 'ops' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 443 }] } });
    memory.put('/apis/discovery.k8s.io/v1/endpointslices', {
      metadata: { name: 'hook', namespace: 'ops' },
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [{ port: 8443 }],
    });
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
    const caBundle = Buffer.from(authority.pair.certificate).toString('base64');
    const webhook = {
      name: 'wh.test.io',
      rules,
      sideEffects: 'None',
      clientConfig: { caBundle, service: { name: 'hook', namespace: 'ops', path: '/x' } },
      ...config,
    };
    memory.put(`${REGISTRATION}/mutatingwebhookconfigurations`, { metadata: { name: 'wh' }, webhooks: [webhook] });
    try {
      await work();
    } finally {
      server.close();
    }
  }
  const pod = () => attributes('pods', { spec: { containers: [] } });
  const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { hooked: 'yes' } }])).toString('base64');

  it('change an object by a JSON patch', () =>
    withWebhook(
      () => ({ allowed: true, patchType: 'JSONPatch', patch }),
      {},
      async () => {
        expect(await admission.mutate(pod())).toMatchObject({ metadata: { labels: { hooked: 'yes' } } });
      },
    ));
  it('are asked only where their conditions hold', () =>
    withWebhook(
      () => ({ allowed: false }),
      { matchConditions: [{ name: 'c', expression: "has(object.metadata.annotations) && object.metadata.annotations[?'a/b'].orValue('') == 'on'" }] },
      async () => {
        expect(await refused(admission.mutate(pod()))).toBe('accepted');
        const wanting = attributes('pods', { metadata: { name: 'z', annotations: { 'a/b': 'on' } }, spec: {} });
        expect(await refused(admission.mutate(wanting))).toBe('admission webhook "wh.test.io" denied the request without explanation');
      },
    ));
  it('that fail refuse, or are passed over, as their policy says', () =>
    withWebhook(
      () => ({ allowed: true, uid: 'other' }),
      {},
      async () => {
        expect(await refused(admission.mutate(pod()))).toContain(
          'Internal error occurred: failed calling webhook "wh.test.io": received invalid webhook response',
        );
        const [{ webhooks } = { webhooks: [] }] = (await memory.client.list<{ webhooks: object[] }>(`${REGISTRATION}/mutatingwebhookconfigurations`)).items;
        memory.put(`${REGISTRATION}/mutatingwebhookconfigurations`, {
          metadata: { name: 'wh' },
          webhooks: webhooks.map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' })),
        });
        expect(await refused(admission.mutate(pod()))).toBe('accepted');
      },
    ));
  it('are refused when their certificate is of another authority', () =>
    withWebhook(
      () => ({ allowed: true }),
      {},
      async () => {
        const other = Buffer.from((await createCertificateAuthority()).pair.certificate).toString('base64');
        const [{ webhooks } = { webhooks: [] }] = (
          await memory.client.list<{ webhooks: { clientConfig: object }[] }>(`${REGISTRATION}/mutatingwebhookconfigurations`)
        ).items;
        const changed = webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle: other } }));
        memory.put(`${REGISTRATION}/mutatingwebhookconfigurations`, { metadata: { name: 'wh' }, webhooks: changed });
        expect(await refused(admission.mutate(pod()))).toContain(
          'Post "https://hook.ops.svc:443/x?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        );
      },
    ));
});

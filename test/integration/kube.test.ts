/** The Kubernetes client against a real API server, which decides where a fake one only guesses. */
import { once } from 'node:events';
import type { Pod, ServiceAccount } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { createKubeClient, createLeaderElection, type KubeClient, loadKubeconfig, resourcePath } from '../../src/kube/index.ts';

const kubeconfig = process.env['TELEPRESENCE_TEST_KUBECONFIG'];
const missing = kubeconfig === undefined;
const namespace = `kube-test-${process.pid}`;
const env = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined));

async function connect(flags: Record<string, string> = {}): Promise<KubeClient> {
  const { connection } = await loadKubeconfig({ flags: { kubeconfig: kubeconfig ?? '', ...flags }, env, cwd: process.cwd() });
  return createKubeClient(connection, { log: silentLog });
}

const UPGRADE = `while IFS= read -r line; do line="\${line%$(printf '\\r')}"; [ -z "$line" ] && break; done
printf 'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\nhello '
exec cat
`;

describe.skipIf(missing)('a real cluster (skipped where TELEPRESENCE_TEST_KUBECONFIG is not set)', () => {
  let kube: KubeClient;
  const create = (object: Parameters<KubeClient['apply']>[0]) => kube.apply(object, { fieldManager: 'kube-test', force: true });

  /** Resolves when an object of the list is as wanted. */
  async function seen<T>(path: string, wanted: (object: T) => boolean): Promise<void> {
    const found = Promise.withResolvers<void>();
    const informer = kube.createInformer<T>(path, {
      log: silentLog,
      onChange: (_kind, object) => {
        if (wanted(object)) found.resolve();
      },
    });
    await found.promise;
    informer.close();
  }

  beforeAll(async () => {
    kube = await connect();
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'upgrade', namespace }, data: { 'serve.sh': UPGRADE } });
    await create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo', namespace },
      spec: { selector: { app: 'echo' }, ports: [{ name: 'tunnel', port: 80, targetPort: 8080 }] },
    });
    // The controller that makes it runs behind the namespace's creation.
    await seen<ServiceAccount>(resourcePath('v1', 'serviceaccounts', namespace), (account) => account.metadata?.name === 'default');
    await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'echo', namespace, labels: { app: 'echo' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'echo',
            image: 'testkube.local/busybox:1',
            imagePullPolicy: 'Never',
            command: ['sh', '-c', 'echo started; nc -ll -p 8081 -e cat & exec nc -ll -p 8080 -e sh /s/serve.sh'],
            readinessProbe: { tcpSocket: { port: 8081 }, periodSeconds: 1 },
            volumeMounts: [{ name: 's', mountPath: '/s' }],
          },
        ],
        volumes: [{ name: 's', configMap: { name: 'upgrade' } }],
      },
    });
    await seen<Pod>(
      resourcePath('v1', 'pods', namespace),
      (pod) => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
  }, 60_000);

  afterAll(async () => {
    await kube.delete(resourcePath('v1', 'namespaces', undefined, namespace));
    kube.close();
  });

  it('says who we are and what we may', async () => {
    expect((await kube.whoAmI()).username).not.toBe('');
    expect((await kube.canI({ verb: 'create', resource: 'pods', namespace })).allowed).toBe(true);
    const jane = await connect({ as: 'jane' });
    expect((await jane.whoAmI()).username).toBe('jane');
    expect((await jane.canI({ verb: 'create', resource: 'pods', namespace })).allowed).toBe(false);
    await expect(jane.list(resourcePath('v1', 'pods', namespace))).rejects.toMatchObject({
      code: 'TP-KUBE-FORBIDDEN',
      message: `The user jane may not list pods in the namespace ${namespace}.`,
    });
    await expect(jane.upgrade(resourcePath('v1', 'services', namespace, 'https:echo:tunnel', 'proxy/tunnel'), { protocol: 'echo' })).rejects.toMatchObject({
      code: 'TP-KUBE-FORBIDDEN',
    });
    jane.close();
  });

  it('refuses a bad token with TP-KUBE-UNAUTHORIZED', async () => {
    const { connection } = await loadKubeconfig({ flags: { kubeconfig: kubeconfig ?? '' }, env, cwd: process.cwd() });
    const nobody = createKubeClient({ ...connection, user: { token: 'nonsense' } }, { log: silentLog });
    await expect(nobody.whoAmI()).rejects.toMatchObject({ code: 'TP-KUBE-UNAUTHORIZED' });
    nobody.close();
  });

  it('applies, patches, conflicts, deletes with preconditions', async () => {
    const path = resourcePath('v1', 'configmaps', namespace, 'c');
    interface ConfigMap {
      metadata: { uid: string; resourceVersion: string };
      data: Record<string, string>;
    }
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace }, data: { a: '1' } };
    const made = await kube.apply<ConfigMap>(object, { fieldManager: 'one' });
    await expect(kube.apply({ ...object, data: { a: '2' } }, { fieldManager: 'two' })).rejects.toMatchObject({ code: 'TP-KUBE-CONFLICT' });
    await expect(kube.create(object)).rejects.toMatchObject({ code: 'TP-KUBE-CONFLICT' });
    expect((await kube.patch<ConfigMap>(path, 'merge', { data: { b: '2' } })).data).toEqual({ a: '1', b: '2' });
    expect((await kube.patch<ConfigMap>(path, 'json', [{ op: 'remove', path: '/data/b' }])).data).toEqual({ a: '1' });
    expect((await kube.patch<ConfigMap>(path, 'strategic', { data: { c: '3' } })).data).toEqual({ a: '1', c: '3' });
    await expect(kube.replace({ ...object, metadata: { ...object.metadata, resourceVersion: made.metadata.resourceVersion } })).rejects.toMatchObject({
      code: 'TP-KUBE-CONFLICT',
    });
    await expect(kube.delete(path, { preconditions: { uid: 'other' } })).rejects.toMatchObject({ code: 'TP-KUBE-CONFLICT' });
    await kube.delete(path, { preconditions: { uid: made.metadata.uid }, propagationPolicy: 'Background' });
    await expect(kube.get(path)).rejects.toMatchObject({ code: 'TP-KUBE-NOT-FOUND' });
  });

  it('upgrades through the service proxy', async () => {
    const { socket } = await kube.upgrade(resourcePath('v1', 'services', namespace, 'echo:tunnel', 'proxy/tunnel'), { protocol: 'echo' });
    socket.write('world');
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.length >= 11) break;
    }
    expect(text).toBe('hello world');
  });

  it('forwards a port, 8 MB there and back, and tells when nothing listens', async () => {
    const stream = await kube.portForward(namespace, 'echo', 8081);
    const sent = Buffer.alloc(8_000_000, 7);
    let size = 0;
    const all = new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size >= sent.length) resolve();
      });
    });
    stream.write(sent);
    await all;
    stream.destroy();
    const none = await kube.portForward(namespace, 'echo', 9);
    none.resume();
    expect(((await once(none, 'error')) as [Error])[0].message).toContain('refused');
  });

  it('reads the log of a container', async () => {
    expect(await kube.podLogs(namespace, 'echo', 'echo', { tailLines: 1, since: 600 })).toBe('started\n');
  });

  it('reviews a token with its audience and its pod', async () => {
    const token = await kube.request<{ status: { token: string } }>('POST', resourcePath('v1', 'serviceaccounts', namespace, 'default', 'token'), {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: ['telepresence'], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'echo' } },
      },
    });
    const review = await kube.reviewToken(token.status.token, ['telepresence']);
    expect(review).toMatchObject({ authenticated: true, username: `system:serviceaccount:${namespace}:default`, audiences: ['telepresence'] });
    expect(review.extra['authentication.kubernetes.io/pod-name']).toEqual(['echo']);
    expect((await kube.reviewToken(token.status.token, ['other'])).authenticated).toBe(false);
  });

  it('elects and hands over', async () => {
    const terms: string[] = [];
    const elect = (identity: string) =>
      createLeaderElection(kube, { namespace, name: 'lead', identity, log: silentLog, onLead: () => void terms.push(identity) });
    const a = elect('a');
    await expect.poll(() => terms, { timeout: 5000 }).toEqual(['a']);
    const b = elect('b');
    await a.close();
    await expect.poll(() => terms, { timeout: 5000 }).toEqual(['a', 'b']);
    await b.close();
  });
});

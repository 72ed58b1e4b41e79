/** The CA of an installation: one Secret, made by whichever replica comes first. */
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { CA_SECRET } from '../../protocol/resources.ts';
import { isUsableCa, type KeyPairPem, mintCa } from './certificates.ts';

/** Creates before reads that answer "not found" after a conflict are given up. */
export const CA_SECRET_TRIES = 5;

interface Secret {
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  data?: Record<string, string>;
}

function pairOf(secret: Secret): KeyPairPem {
  const decode = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
  return { certificate: decode('ca.crt'), key: decode('ca.key') };
}

/**
 * Reads the CA, or makes it. Of replicas that start together one creates the Secret and the others read it.
 * A CA that is broken or near its end is replaced, with the resourceVersion that was read, so that two replicas don't replace each other's.
 */
export async function loadCa(kube: KubeClient, options: { namespace: string; log: Log; now: number }): Promise<KeyPairPem> {
  const { namespace, log, now } = options;
  const path = resourcePath('v1', 'secrets', namespace);
  for (let attempt = 0; attempt < CA_SECRET_TRIES; attempt += 1) {
    const existing = await kube.get<Secret>(`${path}/${CA_SECRET}`).catch(nothingOn('TP-KUBE-NOT-FOUND'));
    if (existing !== undefined) {
      const pair = pairOf(existing);
      if (await isUsableCa(pair, now)) return pair;
      log.warn('the CA is missing from its Secret, broken or near its end, and is replaced; agents that run must be restarted', { secret: CA_SECRET });
    }
    const made = await mintCa({ name: `${CA_SECRET}.${namespace}`, now });
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: CA_SECRET, namespace, labels: { 'app.kubernetes.io/name': 'traffic-manager' }, ...versionOf(existing) },
      data: { 'ca.crt': Buffer.from(made.certificate).toString('base64'), 'ca.key': Buffer.from(made.key).toString('base64') },
    };
    const written =
      existing === undefined
        ? await kube.request<Secret>('POST', path, { body }).catch(nothingOn('TP-KUBE-CONFLICT'))
        : await kube.request<Secret>('PUT', `${path}/${CA_SECRET}`, { body }).catch(nothingOn('TP-KUBE-CONFLICT'));
    if (written !== undefined) {
      log.info('made the CA', { secret: CA_SECRET });
      return made;
    }
  }
  throw new CodedError('TP-KUBE-CONFLICT', `The Secret ${CA_SECRET} in namespace ${namespace} is changed all the time by somebody else.`);
}

function versionOf(secret: Secret | undefined): { resourceVersion?: string } {
  return secret?.metadata.resourceVersion === undefined ? {} : { resourceVersion: secret.metadata.resourceVersion };
}

function nothingOn(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof CodedError && error.code === code) return undefined;
    throw error;
  };
}

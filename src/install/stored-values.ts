/** The values of the last installation, kept in a Secret beside the manager so that an upgrade can start from them. */
import { z } from 'zod';
import { CodedError, codeOf } from '../base/errors.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS } from './naming.ts';

const VALUES_SECRET = 'traffic-manager-values';
const KEY = 'values.json';
const secretSchema = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });
const treeSchema = z.record(z.string(), z.unknown());

/** What was given, without defaults: a newer version's defaults apply to what nobody chose. */
export function storedValuesObject(namespace: string, given: Record<string, unknown>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: VALUES_SECRET, namespace, labels: { ...COMMON_LABELS } },
    type: 'telepresence.io/values',
    data: { [KEY]: Buffer.from(JSON.stringify(given)).toString('base64') },
  };
}

/** undefined where nothing was installed by this installer. */
export async function readStoredValues(kube: KubeClient, namespace: string, signal?: AbortSignal): Promise<Record<string, unknown> | undefined> {
  try {
    const secret = secretSchema.parse(await kube.get(resourcePath('v1', 'secrets', namespace, VALUES_SECRET), { signal }));
    const text = Buffer.from(secret.data[KEY] ?? '', 'base64').toString();
    return treeSchema.parse(JSON.parse(text));
  } catch (error) {
    if (codeOf(error) === 'TP-KUBE-NOT-FOUND') return undefined;
    if (error instanceof CodedError) throw error;
    throw new CodedError('TP-INSTALL-FAILED', `The Secret ${namespace}/${VALUES_SECRET} does not hold the values of an installation.`, {
      cause: error,
      help: 'Upgrade with --reset-values, which does not read it.',
    });
  }
}

/** Answers to the ingress dialog, kept for each cluster: of each workload, and the last one of all. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Ingress, ingressSchema } from '../../protocol/cloud.ts';
import { REMEMBERED_INGRESSES_LIMIT } from './limits.ts';
import { writePrivate } from './login-store.ts';

const clusterSchema = z.object({ last: ingressSchema.optional(), workloads: z.record(z.string(), ingressSchema).default({}) });
const fileSchema = z.record(z.string(), clusterSchema);

export interface Remembered {
  /** For this very workload. */
  own?: Ingress;
  /** For any workload of the cluster. */
  last?: Ingress;
}

/** A file that can't be read is a memory that is lost, and no reason to fail. */
async function read(file: string, log: Log): Promise<z.infer<typeof fileSchema>> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') log.warn('the ingresses that were used before are not readable', { file, error: messageOf(error) });
    return {};
  }
}

export async function recallIngress(file: string, cluster: string, workload: string, log: Log): Promise<Remembered> {
  const known = (await read(file, log))[cluster];
  const own = known?.workloads[workload];
  return { ...(own === undefined ? {} : { own }), ...(known?.last === undefined ? {} : { last: known.last }) };
}

/** Keeps what worked. */
export async function rememberIngress(file: string, cluster: string, workload: string, ingress: Ingress, log: Log): Promise<void> {
  const all = await read(file, log);
  const { [workload]: _before, ...others } = all[cluster]?.workloads ?? {};
  const entries = [...Object.entries(others), [workload, ingress] as const].slice(-REMEMBERED_INGRESSES_LIMIT);
  await writePrivate(file, { ...all, [cluster]: { last: ingress, workloads: Object.fromEntries(entries) } });
}

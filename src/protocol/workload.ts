/** Which workload is meant, where only its name is told. */
import { z } from 'zod';

export const workloadRefSchema = z.looseObject({ namespace: z.string(), kind: z.string(), name: z.string() });

// a type and no interface, so that it is one of the schema's objects too
export type WorkloadRef = { namespace: string; kind: string; name: string };

/** The same for the same workload. */
export function workloadKey({ namespace, kind, name }: WorkloadRef): string {
  return `${namespace}/${kind}/${name}`;
}

import { z } from 'zod';

/**
 * A list in an object of the API: the API server writes an empty one as `[]`, leaves it out, or writes `null` (Go's nil slice in a field
 * without `omitempty`, e.g. `status.conditions` of a CustomResourceDefinition until its controller has seen it).
 */
export function listOf<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((list) => list ?? []);
}

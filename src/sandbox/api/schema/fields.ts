/** The fields of the built-in kinds as a real server has them in its own types; `scripts/kubernetes-fields.ts` wrote them down. */
import document from './fields.json' with { type: 'json' };

type Field = [
  /** `''`: its fields are the outer one's. */
  name: string,
  /** With `[]` before it for a list, `{}` for a map. */
  type: string,
  /** It is held as a value: `v` is left out when it is empty, `V` never. Others are pointers: there is a difference between empty and absent. */
  held?: 'v' | 'V',
];

/** Name of a definition → number on the wire → field. */
export const MESSAGES = document as unknown as Record<string, Record<string, Field>>;

/** By the field's name: whether an empty value is no value. */
export function heldAsValues(definition: string): Map<string, 'v' | 'V'> {
  const result = new Map<string, 'v' | 'V'>();
  for (const [name, type, held] of Object.values(MESSAGES[definition] ?? {})) {
    if (name === '') for (const [inner, kind] of heldAsValues(type)) result.set(inner, kind);
    else if (held !== undefined) result.set(name, held);
  }
  return result;
}

/** `pods "x" is forbidden: …`, as every admission plugin begins. */
import { type AdmissionAttributes, StatusError } from '../contract.ts';

export function refusal(
  { type, name, object }: AdmissionAttributes,
  why: string,
  { code = 403, reason = 'Forbidden', details = {} }: { code?: number; reason?: string; details?: Record<string, unknown> } = {},
): StatusError {
  const what = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
  // An object whose name the server is yet to make is called by what it begins with.
  const shown = name ?? (object?.metadata.generateName === undefined ? undefined : object.metadata.generateName);
  return new StatusError(code, reason, `${what} ${JSON.stringify(shown ?? 'Unknown')} is forbidden: ${why}`, {
    ...(shown === undefined ? {} : { name: shown }),
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.plural,
    ...details,
  });
}

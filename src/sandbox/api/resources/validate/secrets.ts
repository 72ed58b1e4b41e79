/** What a secret must hold to be of a type that Kubernetes knows. */
import { type Cause, invalidValue, required } from '../../errors.ts';
import { type ApiObject, isObject } from '../../object.ts';

const NEEDED: Record<string, string[]> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
};
const JSON_KEYS = ['.dockercfg', '.dockerconfigjson'];

export function secretCauses(secret: ApiObject): Cause[] {
  const data = isObject(secret['data']) ? secret['data'] : {};
  const field = (key: string): string => `data[${key}]`;
  if (secret['type'] === 'kubernetes.io/basic-auth')
    // one of them is enough
    return 'username' in data || 'password' in data ? [] : [required(field('username')), required(field('password'))];
  return (NEEDED[String(secret['type'])] ?? []).flatMap((key) => {
    if (!(key in data)) return [required(field(key))];
    const fault = JSON_KEYS.includes(key) ? jsonFault(Buffer.from(String(data[key]), 'base64').toString()) : undefined;
    return fault === undefined ? [] : [invalidValue(field(key), '<secret contents redacted>', fault)];
  });
}

/** Of the first letter only, in the words of Go's reader. */
function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const [letter] = text.trimStart();
    return letter === undefined ? 'unexpected end of JSON input' : `invalid character '${letter}' looking for beginning of value`;
  }
}

/** Pod templates: whether two are the same, and the short hash that names what is made from one. */
import type { PodTemplate } from './types.ts';

/** The alphabet of names that the API generates: no vowels, no digits that look like letters. */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';
export const TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** JSON with sorted keys, without nulls and empty lists: the same text for the same meaning. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object') return part ?? undefined;
    if (Array.isArray(part)) return part.length === 0 ? undefined : part;
    return Object.fromEntries(
      Object.entries(part)
        .filter(([, child]) => child !== null && child !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}

/** FNV-1a over the canonical text, written with letters that make no words. `collisions` changes it. */
export function hashOf(value: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonical(value) + (collisions === 0 ? '' : String(collisions)))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return Array.from(String(hash), (digit) => SAFE[digit.charCodeAt(0) % SAFE.length]).join('');
}

/** The same template, whatever hash labels it carries. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return canonical(withoutHash(a)) === canonical(withoutHash(b));
}

function withoutHash(template: PodTemplate): PodTemplate {
  const { [TEMPLATE_HASH_LABEL]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

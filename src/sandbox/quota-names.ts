/** Those that a quota may name without `count/`. */
const SHORT = new Set(['pods', 'services', 'configmaps', 'secrets', 'resourcequotas', 'replicationcontrollers', 'persistentvolumeclaims']);

/** What a ResourceQuota calls the number of objects of a kind: `count/jobs.batch`; `count/pods` and `pods`. */
export function quotaNames({ group, plural }: { group: string; plural: string }): string[] {
  return [group === '' ? `count/${plural}` : `count/${plural}.${group}`, ...(group === '' && SHORT.has(plural) ? [plural] : [])];
}

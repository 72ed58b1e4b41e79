/** What an apply is told that would change what others own. */
import { StatusError } from '../../contract.ts';
import type { FieldSet } from './field-set.ts';
import type { Manager } from './managers.ts';

export interface Conflict {
  with: Manager;
  fields: FieldSet;
}

export function applyConflict(conflicts: Conflict[]): StatusError {
  const found = conflicts.flatMap(({ with: manager, fields }) => fields.paths().map((path) => ({ who: named(manager), path })));
  const causes = found.map(({ who, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field: path }));
  return new StatusError(409, 'Conflict', sentence(found), { causes });
}

function sentence(found: { who: string; path: string }[]): string {
  const [first] = found;
  if (found.length === 1 && first !== undefined) return `Apply failed with 1 conflict: conflict with ${first.who}: ${first.path}`;
  const lines = [...Map.groupBy(found, ({ who }) => who)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([who, theirs]) => [`conflicts with ${who}:`, ...theirs.map(({ path }) => `- ${path}`)]);
  return `Apply failed with ${found.length} conflicts: ${lines.join('\n')}`;
}

function named({ manager, operation, apiVersion, subresource }: Manager): string {
  const who = subresource === undefined ? JSON.stringify(manager) : `${JSON.stringify(manager)} with subresource ${JSON.stringify(subresource)}`;
  return operation === 'Apply' ? who : `${who} using ${apiVersion}`;
}

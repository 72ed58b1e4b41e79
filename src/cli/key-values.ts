/** `Key  : value` lines whose colons stand in one column. */
export function keyValues(rows: readonly (readonly [string, string])[], indent = ''): string {
  const width = Math.max(0, ...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `${indent}${key.padEnd(width)}: ${value.replaceAll('\n', `\n${indent}  `)}`).join('\n');
}

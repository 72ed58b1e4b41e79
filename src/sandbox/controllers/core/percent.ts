/** Numbers that may be given as a part of another: `25%`. */
export function scaled(value: number | string | undefined, of: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = Number.parseInt(value, 10);
  return round === 'up' ? Math.ceil((percent * of) / 100) : Math.floor((percent * of) / 100);
}

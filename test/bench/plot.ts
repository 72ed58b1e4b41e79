/** Plots as SVG: for each group with comparisons the ratio of ours to the others, and for delayed lines what a flow keeps of its speed. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Measured, ratio } from './measure.ts';
import type { Report } from './report.ts';

const ROW_HEIGHT = 22;
const LEFT = 260;
const WIDTH = 820;
const TOP = 48;
const COLOURS = ['#2563eb', '#d97706', '#059669'];

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Bars to the right of 0, the line at 1 is "as good as". */
function ratioPlot(title: string, rows: Measured[]): string {
  const names = [...new Set(rows.flatMap(({ variants }) => Object.keys(variants).filter((name) => name !== 'ours')))];
  const bars = rows.flatMap((row) =>
    names.map((name) => ({ row, name, value: ratio(row, name) })).filter(({ value }) => value !== undefined && Number.isFinite(value)),
  );
  const most = Math.max(1.2, ...bars.map(({ value }) => value ?? 0));
  const scale = (WIDTH - LEFT - 60) / most;
  const height = TOP + bars.length * ROW_HEIGHT + 20;
  const drawn = bars.map(({ row, name, value = 0 }, index) => {
    const y = TOP + index * ROW_HEIGHT;
    const label = `${row.title}${row.rtt > 0 ? `, ${row.rtt} ms` : ''}`;
    const colour = COLOURS[names.indexOf(name) % COLOURS.length] ?? '#2563eb';
    return `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text><rect x="${LEFT}" y="${y + 3}" width="${(value * scale).toFixed(1)}" height="15" fill="${colour}"/><text x="${(LEFT + value * scale + 4).toFixed(1)}" y="${y + 14}">${value.toFixed(2)}</text>`;
  });
  const legend = names.map((name, index) => `<tspan fill="${COLOURS[index % COLOURS.length]}">■ against ${escaped(name)}  </tspan>`).join('');
  const one = (LEFT + scale).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="8" y="18" font-size="14" font-weight="bold">${escaped(title)}: how many times better (1 = the same)</text>
<text x="8" y="36">${legend}</text>
<line x1="${one}" y1="${TOP - 6}" x2="${one}" y2="${height - 12}" stroke="#888" stroke-dasharray="4 3"/>
${drawn.join('\n')}
</svg>
`;
}

/** One file for each group that compares. */
export async function writePlots(folder: string, { rows }: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  const compared = rows.filter(({ variants }) => Object.keys(variants).length > 1);
  for (const [group, all] of Map.groupBy(compared, (row) => row.group)) {
    await writeFile(path.join(folder, `${group.replaceAll(/[^a-z]+/gi, '-').toLowerCase()}.svg`), ratioPlot(group, all));
  }
}

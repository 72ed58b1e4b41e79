/** The bench's figures for README: those that have a target, a line each, with all round trips side by side. */
import { type Measured, ratio, reached } from './measure.ts';
import { figure, type Report } from './report.ts';

function cell(measured: Measured | undefined): string {
  const mine = measured?.variants['ours'];
  if (measured === undefined || mine === undefined) return '';
  const against = measured.target?.against ?? Object.keys(measured.variants).find((name) => name !== 'ours');
  const times = against === undefined ? '' : ` (×${(ratio(measured, against) ?? Number.NaN).toFixed(2)})`;
  const mark = { true: ' ✓', false: ' ✗', undefined: '' }[`${reached(measured)}`];
  const failed = mine.more['failed'] ?? 0;
  return `${figure(mine.value)}${times}${mark}${failed > 0 ? ` **${failed} failed**` : ''}`;
}

function target({ target: wanted, lessIsBetter }: Measured): string {
  if (wanted === undefined) return '';
  return wanted.against === undefined ? `${lessIsBetter ? '≤' : '≥'} ${figure(wanted.bound)}` : `≥ ${wanted.bound} × ${wanted.against}`;
}

/** A Markdown table; an empty cell was not measured, or its way does not lead over the delayed line. */
export function compact({ machine, date, version, commit, seconds, rounds, rows }: Report): string {
  const rtts = [...new Set(rows.map(({ rtt }) => rtt))].toSorted((a, b) => a - b);
  const figures = Map.groupBy(rows, ({ group, title }) => `${group}: ${title}`);
  const lines = [...figures].flatMap(([name, all]) => {
    const wanted = all.find((measured) => measured.target !== undefined);
    if (wanted === undefined) return [];
    const cells = rtts.map((rtt) => cell(all.find((measured) => measured.rtt === rtt)));
    return [`| ${[`${name}, ${wanted.unit}`, ...cells, target(wanted), all[0]?.original ?? ''].join(' | ')} |`];
  });
  const judged = rows.map(reached).filter((is) => is !== undefined);
  const head = ['', ...rtts.map((rtt) => (rtt === 0 ? 'here' : `API server ${rtt} ms away`)), 'target', 'the original'];
  return [
    `Measured on ${date} by \`npm run bench\` (version ${version}, ${commit}; ${rounds} rounds of ${seconds} s) on ${machine}.`,
    `×: how much better than what the target names, measured in the same run. ${judged.filter(Boolean).length} of ${judged.length} targets are reached (✓).`,
    'All rows, what they cost in CPU, and what was tried: `docs/performance.md`.',
    '',
    `| ${head.join(' | ')} |`,
    `|${'---|'.repeat(head.length)}`,
    ...lines,
    '',
  ].join('\n');
}

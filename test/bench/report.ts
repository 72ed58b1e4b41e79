/** The bench's output: a table for the terminal and for a Markdown file, and JSON. */
import { type Measured, ratio, reached } from './measure.ts';
import { ROLES } from './processes.ts';

export interface Report {
  machine: string;
  date: string;
  version: string;
  commit: string;
  seconds: number;
  rounds: number;
  rows: Measured[];
}

export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function ours({ variants }: Measured): string {
  const mine = variants['ours'];
  if (mine === undefined) return '–';
  const { p50, p99, failed, rss, slowest } = mine.more;
  const notes: string[] = [];
  if (p50 !== undefined) notes.push(`p50 ${figure(p50)}`);
  if (p99 !== undefined) notes.push(`p99 ${figure(p99)} ms`);
  if (rss !== undefined) notes.push(`RSS ${figure(rss)}`);
  if (slowest !== undefined && slowest > 1.05) notes.push(`slowest ${figure(slowest)} × median`);
  if (failed !== undefined && failed > 0) notes.push(`**${failed} failed**`);
  return `${figure(mine.value)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function others(measured: Measured): string {
  return Object.entries(measured.variants)
    .filter(([name]) => name !== 'ours')
    .map(([name, { value }]) => `${name} ${figure(value)} (×${(ratio(measured, name) ?? Number.NaN).toFixed(2)})`)
    .join('; ');
}

function cpu({ variants, cpuUnit }: Measured): string {
  if (cpuUnit === undefined) return '';
  const of = (name: string): string => {
    const spent = variants[name]?.cpu ?? {};
    return ROLES.filter((role) => (spent[role] ?? 0) > 0.005 && (role !== 'kubectl' || name === 'port-forward'))
      .map((role) => `${role} ${figure(spent[role] ?? 0)}`)
      .join(', ');
  };
  return `${of('ours')} ${cpuUnit}`;
}

function target(measured: Measured): string {
  const wanted = measured.target;
  if (wanted === undefined) return '';
  const bound = wanted.against === undefined ? `${measured.lessIsBetter ? '≤' : '≥'} ${figure(wanted.bound)}` : `≥ ${wanted.bound} × ${wanted.against}`;
  return `${bound} ${reached(measured) === true ? '✓' : '✗'}`;
}

const COLUMNS = ['', 'RTT', 'unit', 'Telepresence here', 'beside it (× = ours is better by)', 'CPU', 'target', 'the original'];

function cells(measured: Measured): string[] {
  return [measured.title, String(measured.rtt), measured.unit, ours(measured), others(measured), cpu(measured), target(measured), measured.original ?? ''];
}

/** For a terminal, a line as soon as it is measured. */
export function line(measured: Measured): string {
  const [title = '', rtt = '', unit = '', mine = '', ...rest] = cells(measured);
  return `${measured.group}: ${title}, RTT ${rtt}: ${mine} ${unit}${rest
    .filter((text) => text !== '')
    .map((text) => ` | ${text}`)
    .join('')}\n`;
}

export function markdown({ machine, date, version, commit, rows }: Report): string {
  const groups = Map.groupBy(rows, ({ group }) => group);
  const tables = [...groups].map(([group, all]) => {
    const lines = all.map((measured) => `| ${cells(measured).join(' | ')} |`);
    return [`| ${[`**${group}**`, ...COLUMNS.slice(1)].join(' | ')} |`, `|${COLUMNS.map(() => '---').join('|')}|`, ...lines].join('\n');
  });
  return `Measured on ${date} by \`npm run bench\` (version ${version}, ${commit}) on ${machine}. Medians of rounds in alternation; ratios within a row are what counts.\n\n${tables.join('\n\n')}\n`;
}

/** Puts text between the markers of a Markdown file; undefined when it has none. */
export function between(text: string, inside: string): string | undefined {
  const begin = text.indexOf('<!-- bench -->');
  const end = text.indexOf('<!-- /bench -->');
  if (begin < 0 || end < begin) return undefined;
  return `${text.slice(0, begin)}<!-- bench -->\n\n${inside}\n${text.slice(end)}`;
}

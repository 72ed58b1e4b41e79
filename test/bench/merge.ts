/** A run in pieces: reports of parts of the rows become one. */
import { readFile } from 'node:fs/promises';
import type { Measured } from './measure.ts';
import type { Report } from './report.ts';

const key = ({ group, title, rtt }: Measured): string => `${group}: ${title}, RTT ${rtt}`;

/** All rows of all reports, each as the last report has it, and every commit that was measured; the rest is the last report's. */
export function merged(reports: readonly Report[]): Report {
  const last = reports.at(-1);
  if (last === undefined) throw new Error('there is no report to merge');
  const rows = new Map(reports.flatMap((report) => report.rows).map((row) => [key(row), row]));
  const effort = { seconds: Math.min(...reports.map(({ seconds }) => seconds)), rounds: Math.min(...reports.map(({ rounds }) => rounds)) };
  const commit = [...new Set(reports.map((report) => report.commit))].join(', ');
  return { ...last, ...effort, commit, rows: [...rows.values()].toSorted((a, b) => a.rtt - b.rtt) };
}

/** Reads what `--json` wrote. */
export async function readReports(files: readonly string[]): Promise<Report[]> {
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Report));
}

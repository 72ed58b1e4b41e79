/** The table of docs/compatibility.md, from the command tree: a row for each command, each of its names, and each flag. */
import type { CommandEntry, State } from './command.ts';
import { GLOBAL_FLAGS } from './flags.ts';

const HEAD = '| command | flag | state | code |\n|---|---|---|---|\n';

export async function compatibilityTable(commands: readonly CommandEntry[]): Promise<string> {
  const rows = GLOBAL_FLAGS.map((flag) => row('(every command)', flag.flags, flag.state));
  for (const entry of commands) {
    const spec = await entry.load();
    for (const name of entry.names) rows.push(row(`\`${name}\``, '', spec.state));
    for (const flag of spec.flags ?? []) rows.push(row(`\`${spec.name}\``, flag.flags, flag.state ?? spec.state));
  }
  return `${HEAD}${rows.join('')}`;
}

function row(command: string, flag: string, state: State = 'built'): string {
  return `| ${command} | ${flag === '' ? '' : `\`${flag.replaceAll('|', '\\|')}\``} | ${state} | ${state === 'built' ? '' : 'TP-UNSUPPORTED'} |\n`;
}

/** What the scripts offer, from the command tree. */
import { type CommandEntry, type FlagSpec, flagName, flagShort, isSwitch } from '../command.ts';
import { GLOBAL_FLAGS } from '../flags.ts';

export interface CompletionFlag {
  name: string;
  short: string | undefined;
  description: string;
  /** Takes a value; `file`: the name of a file or folder. */
  value: 'none' | 'text' | 'file';
  /** The values it takes, where they are few. */
  choices: string[];
}

export interface CompletionCommand {
  /** Full path: `helm install`. */
  name: string;
  summary: string;
  flags: CompletionFlag[];
  /** What its argument can be, where it is one of a few. */
  choices: string[];
}

/** What is offered: aliases stand as commands of their own. */
export async function completionCommands(entries: readonly CommandEntry[]): Promise<CompletionCommand[]> {
  const commands: CompletionCommand[] = [];
  for (const entry of entries) {
    const spec = await entry.load();
    if ((spec.state ?? 'built') !== 'built' || spec.hidden === true) continue;
    const flags = [...(spec.flags ?? []), ...GLOBAL_FLAGS, HELP]
      .filter((flag) => (flag.state ?? 'built') === 'built' && flag.hidden !== true)
      .map(completionFlag);
    for (const name of entry.names) commands.push({ name, summary: spec.summary, flags, choices: choicesOf(spec.arguments?.[0] ?? '') });
  }
  return commands.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const HELP: FlagSpec = { flags: '-h, --help', description: 'show what the command takes' };
const CHOICES: Record<string, string[]> = {
  format: ['default', 'json', 'yaml', 'json-stream'],
  progress: ['auto', 'tty', 'plain', 'json', 'quiet'],
  mechanism: ['tcp', 'http'],
  'env-syntax': ['docker', 'compose', 'sh', 'sh:export', 'csh', 'csh:export', 'cmd', 'json', 'ps', 'ps:export'],
};

function completionFlag(flag: FlagSpec): CompletionFlag {
  const name = flagName(flag);
  const value = isSwitch(flag) ? 'none' : /<(\S*=)?(file|dir|path)>/.test(flag.flags) ? 'file' : 'text';
  return { name, short: flagShort(flag), description: flag.description, value, choices: CHOICES[name] ?? [] };
}

function choicesOf(argument: string): string[] {
  return argument.includes('|') ? argument.replace(/[<>[\]]/g, '').split('|') : [];
}

/** The words that may follow the path `prefix` (`''`, `helm`): the next parts of commands' names, with a summary each. */
export function nextWords(commands: readonly CompletionCommand[], prefix: string): Map<string, string> {
  const words = new Map<string, string>();
  const start = prefix === '' ? '' : `${prefix} `;
  for (const { name, summary } of commands) {
    if (!name.startsWith(start)) continue;
    const [word = '', ...rest] = name.slice(start.length).split(' ');
    if (rest.length === 0) words.set(word, summary);
    else if (!words.has(word)) words.set(word, `${word} commands`);
  }
  return words;
}

/** The first words of commands that have several. */
export function groups(commands: readonly CompletionCommand[]): string[] {
  return [...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0] ?? ''))];
}

import { type CompletionCommand, type CompletionFlag, groups, nextWords } from './model.ts';

/** One `complete` line a word and a flag. */
export function fishCompletion(commands: readonly CompletionCommand[]): string {
  const lines: string[] = [];
  const groupNames = groups(commands);
  for (const [word, summary] of nextWords(commands, '')) lines.push(`complete -c telepresence -f -n __fish_use_subcommand -a ${word} -d ${quote(summary)}`);
  for (const group of groupNames) {
    const words = nextWords(commands, group);
    const condition = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${[...words.keys()].join(' ')}`;
    for (const [word, summary] of words) lines.push(`complete -c telepresence -f -n ${quote(condition)} -a ${word} -d ${quote(summary)}`);
  }
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ');
    const condition = second === undefined ? notOfGroups(first, groupNames) : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    if (command.choices.length > 0) lines.push(`complete -c telepresence -f -n ${quote(condition)} -a ${quote(command.choices.join(' '))}`);
    for (const flag of command.flags) lines.push(`complete -c telepresence -n ${quote(condition)} ${flagWords(flag)}`);
  }
  return `# fish completion for telepresence: \`telepresence completion fish | source\`\n${lines.join('\n')}\n`;
}

/** `uninstall` alone, and not the one of `helm`. */
function notOfGroups(word: string, groupNames: readonly string[]): string {
  return `__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${groupNames.join(' ')}`;
}

function flagWords(flag: CompletionFlag): string {
  const short = flag.short === undefined ? '' : `-s ${flag.short} `;
  const value = flag.value === 'none' ? '' : flag.choices.length > 0 ? ` -x -a ${quote(flag.choices.join(' '))}` : flag.value === 'file' ? ' -r -F' : ' -x';
  return `${short}-l ${flag.name}${value} -d ${quote(flag.description)}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

import { type CompletionCommand, groups, nextWords } from './model.ts';

/** Works with bash 3.2 and later, without the bash-completion package. */
export function bashCompletion(commands: readonly CompletionCommand[]): string {
  const groupNames = groups(commands);
  const flagCases = commands.map((command) => {
    const words = command.flags.flatMap(({ name, short }) => (short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]));
    return `    ${quote(command.name)}) flags='${words.join(' ')}'; words='${command.choices.join(' ')}' ;;`;
  });
  const wordCases = ['', ...groupNames].map((prefix) => `    ${quote(prefix)}) words='${[...nextWords(commands, prefix).keys()].join(' ')}' ;;`);
  const all = commands.flatMap((command) => command.flags);
  const named = (wanted: 'text' | 'file') =>
    [...new Set(all.filter((flag) => flag.value === wanted && flag.choices.length === 0).map((flag) => `--${flag.name}`))].sort();
  const choiceCases = [...new Map(all.filter((flag) => flag.choices.length > 0).map((flag) => [flag.name, flag.choices]))].map(
    ([name, choices]) => `    --${name}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return ;;`,
  );
  return `# bash completion for telepresence: \`. <(telepresence completion bash)\`
_telepresence() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' flags='' words='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
    --) COMPREPLY=($(compgen -c -- "$cur")); return ;;
    -*) continue ;;
    esac
    case "$path" in
    '') path=$word ;;
    ${groupNames.join('|')}) path="$path $word" ;;
    esac
  done
  case $prev in
${choiceCases.join('\n')}
    ${named('file').join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${named('text').join('|')}) return ;;
  esac
  case "$path" in
${wordCases.join('\n')}
${flagCases.join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _telepresence telepresence
`;
}

function quote(text: string): string {
  return `'${text}'`;
}

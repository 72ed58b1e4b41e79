import { type CompletionCommand, type CompletionFlag, groups, nextWords } from './model.ts';

/** One function a command, on zsh's own `_arguments` and `_describe`. */
export function zshCompletion(commands: readonly CompletionCommand[]): string {
  const functions = commands.map(
    (command) =>
      `${functionName(command.name)}() {\n  _arguments -s -S \\\n${[...command.flags.flatMap(argumentsOf), ...positional(command)].map((line) => `    ${line}`).join(' \\\n')}\n}`,
  );
  const dispatchers = ['', ...groups(commands)].map((prefix) => dispatcher(commands, prefix));
  return `#compdef telepresence
# zsh completion for telepresence: \`. <(telepresence completion zsh)\`
${[...functions, ...dispatchers].join('\n')}
if [ "$funcstack[1]" = _telepresence ]; then _telepresence "$@"; else compdef _telepresence telepresence; fi
`;
}

function dispatcher(commands: readonly CompletionCommand[], prefix: string): string {
  const words = [...nextWords(commands, prefix)];
  const name = functionName(prefix);
  const cases = words.map(([word]) => `      ${word}) ${functionName(prefix === '' ? word : `${prefix} ${word}`)} ;;`);
  return `${name}() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=(${words.map(([word, summary]) => `'${word}:${escapeSpec(summary)}'`).join(' ')})
      _describe command offered ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function functionName(name: string): string {
  return `_telepresence${name === '' ? '' : `_${name.replace(/\W/g, '_')}`}`;
}

function argumentsOf(flag: CompletionFlag): string[] {
  const action =
    flag.value === 'none'
      ? ''
      : `:${flag.name}:${flag.choices.length > 0 ? `(${flag.choices.map((one) => one.replaceAll(':', '\\:')).join(' ')})` : flag.value === 'file' ? '_files' : ' '}`;
  const names = [
    `--${flag.name}${flag.value === 'none' ? '' : '='}`,
    ...(flag.short === undefined ? [] : [`-${flag.short}${flag.value === 'none' ? '' : '+'}`]),
  ];
  return names.map((name) => `'*${name}[${escapeSpec(flag.description)}]${action}'`);
}

function positional(command: CompletionCommand): string[] {
  return command.choices.length > 0 ? [`'1: :(${command.choices.join(' ')})'`] : [`'*: :_default'`];
}

/** Inside single quotes, in a place where brackets and colons mean something. */
function escapeSpec(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", `'\\''`);
}

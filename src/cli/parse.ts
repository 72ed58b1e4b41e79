/** From argv to a command, its flags and its arguments. */
import { Command, CommanderError, Option } from 'commander';
import { CodedError } from '../base/errors.ts';
import { type CommandSpec, type FlagSpec, flagName, flagShort, isSwitch } from './command.ts';
import { GLOBAL_FLAGS } from './flags.ts';
import { createOptions, type Options, type OptionValue } from './options.ts';

export interface Split {
  /** Before `--`. */
  own: string[];
  /** Behind `--`, when there is one. */
  passthrough: string[] | undefined;
}

export function splitPassthrough(argv: readonly string[]): Split {
  const at = argv.indexOf('--');
  return at < 0 ? { own: [...argv], passthrough: undefined } : { own: argv.slice(0, at), passthrough: argv.slice(at + 1) };
}

/** Divides what precedes `--` into words and the flags common to all commands that stand before or between them. */
export function leadingWords(own: readonly string[]): { words: string[]; positions: number[] } {
  const words: string[] = [];
  const positions: number[] = [];
  const valued = new Set(GLOBAL_FLAGS.filter((flag) => !isSwitch(flag)).map((flag) => `--${flagName(flag)}`));
  for (let i = 0; i < own.length; i++) {
    const token = own[i] ?? '';
    if (valued.has(token)) i++;
    else if (!token.startsWith('-')) {
      words.push(token);
      positions.push(i);
    }
  }
  return { words, positions };
}

export type Parsed = { kind: 'help'; text: string } | { kind: 'run'; args: string[]; options: Options; unbuilt: { flag: FlagSpec; name: string }[] };

/** Parses `tokens` (the command's own words taken out). Throws TP-USAGE. */
export function parseCommand(spec: CommandSpec, tokens: readonly string[], passthrough: readonly string[] | undefined): Parsed {
  const flags = allFlags(spec);
  const lenient = (spec.state ?? 'built') !== 'built';
  let help = '';
  const command = buildCommand(spec, flags)
    .exitOverride()
    .configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });
  if (lenient) command.allowUnknownOption().allowExcessArguments();
  const { plain, switches } = readSwitchValues(flags, tokens);
  try {
    command.parse(plain, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: help };
    throw new CodedError('TP-USAGE', sentence(error.message), { help: `\`telepresence ${spec.name} --help\` shows what it takes.` });
  }
  if (passthrough !== undefined && spec.passthrough === undefined && !lenient) {
    throw new CodedError('TP-USAGE', `telepresence ${spec.name} takes no command behind --.`);
  }
  const values = new Map<string, OptionValue>();
  const given = new Set<string>();
  const unbuilt: { flag: FlagSpec; name: string }[] = [];
  const raw = command.opts<Record<string, OptionValue>>();
  for (const flag of flags) {
    const name = flagName(flag);
    const value = switches.get(name) ?? raw[name];
    if (value !== undefined) values.set(name, value);
    if (!switches.has(name) && command.getOptionValueSource(name) !== 'cli') continue;
    given.add(name);
    if ((flag.state ?? 'built') !== 'built') unbuilt.push({ flag, name });
  }
  return { kind: 'run', args: command.args, options: createOptions(values, given), unbuilt };
}

function allFlags(spec: CommandSpec): FlagSpec[] {
  const own = spec.flags ?? [];
  const names = new Set(own.map(flagName));
  return [...own, ...GLOBAL_FLAGS.filter((flag) => !names.has(flagName(flag)))];
}

function buildCommand(spec: CommandSpec, flags: readonly FlagSpec[]): Command {
  const command = new Command(`telepresence ${spec.name}`).description(spec.summary);
  for (const argument of spec.arguments ?? []) command.argument(argument);
  if (spec.passthrough !== undefined) command.usage(`${['[flags]', ...(spec.arguments ?? [])].join(' ')} [-- ${spec.passthrough}]`);
  for (const flag of flags) command.addOption(toOption(flag));
  return command.helpOption('-h, --help', 'show what the command takes');
}

function toOption(flag: FlagSpec): Option {
  const state = flag.state ?? 'built';
  const option = new Option(flag.flags, state === 'built' ? flag.description : `${flag.description} (${state}; not built)`);
  // The flag's own spelling is the key: `--no-hooks` is a switch of that name here, not the negation of another.
  option.attributeName = () => flagName(flag);
  option.negate = false;
  if (flag.hidden === true) option.hideHelp();
  if (flag.default !== undefined) option.default(flag.default);
  if (flag.takes !== undefined) {
    option.argParser((value: string, previous: string[] | undefined) => [
      ...(previous ?? []),
      ...(flag.takes === 'list'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : [value]),
    ]);
  }
  return option;
}

/** `--switch=true|false`, as the original's flags allow, which commander does not know. */
function readSwitchValues(flags: readonly FlagSpec[], tokens: readonly string[]): { plain: string[]; switches: Map<string, boolean> } {
  const switches = new Map<string, boolean>();
  const plain = tokens.filter((token) => {
    const match = /^--?([\w-]+)=(.*)$/s.exec(token);
    if (match === null) return true;
    const flag = flags.find((one) => isSwitch(one) && (token.startsWith('--') ? flagName(one) : flagShort(one)) === match[1]);
    if (flag === undefined) return true;
    if (!/^(true|false|1|0|t|f)$/i.test(match[2] ?? ''))
      throw new CodedError('TP-USAGE', `--${flagName(flag)} is ${JSON.stringify(match[2])}; it takes true or false.`);
    switches.set(flagName(flag), /^[t1]/i.test(match[2] ?? ''));
    return false;
  });
  return { plain, switches };
}

/** commander's `error: unknown option '--x'` as a sentence. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?');
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?]$/.test(whole) ? whole : `${whole}.`;
}

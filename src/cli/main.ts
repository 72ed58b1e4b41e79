/**
 * The command line: parses, asks the daemon, prints. Starts in about 100 ms, so that everything heavy is loaded when it is needed;
 * every thrown error is printed here and nowhere else.
 */
import { CodedError } from '../base/errors.ts';
import { clientPaths } from '../config/paths.ts';
import { callDaemon } from './call-daemon.ts';
import type { CliIo } from './cli-io.ts';
import type { CommandSpec, Context } from './command.ts';
import { COMMANDS, findCommand } from './command-tree.ts';
import { choice, type Options } from './options.ts';
import { createOutput, FORMATS, type Format, type Output } from './output.ts';
import { leadingWords, parseCommand, splitPassthrough } from './parse.ts';
import { PROGRESS_MODES } from './progress.ts';

const SIGNAL_EXIT_CODES: Record<string, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Runs one command line and resolves with the exit code; never rejects. */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  // Until the flags are known, errors are printed as text.
  let output: Output = createOutput({ format: 'default', envelope: false, ownObject: false, command: '', stdout: io.stdout, stderr: io.stderr });
  try {
    const { own, passthrough } = splitPassthrough(argv);
    const { words, positions } = leadingWords(own);
    if (words[0] === 'help') return await main([...words.slice(1), '--help'], io);
    const found = findCommand(words);
    if (found.kind === 'unknown')
      throw new CodedError('TP-USAGE', `There is no command ${JSON.stringify(found.name)}.`, { help: '`telepresence --help` lists the commands.' });
    if (found.kind === 'root' || found.kind === 'group') {
      rejectStrayFlags(own, found.kind === 'root' ? '' : `${found.name} `);
      const { groupHelp } = await import('./help.ts');
      io.stdout.write(await groupHelp(COMMANDS, found.kind === 'root' ? '' : found.name));
      return 0;
    }
    const spec = await found.entry.load();
    output = createOutput({ format: 'default', envelope: false, ownObject: false, command: spec.name, stdout: io.stdout, stderr: io.stderr });
    const taken = new Set(positions.slice(0, found.words));
    const tokens = own.filter((_, index) => !taken.has(index));
    const parsed = parseCommand(spec, tokens, passthrough);
    if (parsed.kind === 'help') {
      io.stdout.write(parsed.text);
      return 0;
    }
    output = createOutput({ ...readFormat(parsed.options), ownObject: spec.ownObject === true, command: spec.name, stdout: io.stdout, stderr: io.stderr });
    refuseUnbuilt(spec, parsed.unbuilt);
    const code = await runCommand(spec, { args: parsed.args, options: parsed.options, passthrough }, output, io);
    await output.finish();
    return code;
  } catch (thrown) {
    const error = io.interrupts.signal.aborted ? cancelled(io.interrupts.signal) : CodedError.from(thrown);
    await output.fail(error);
    return io.interrupts.signal.aborted ? (SIGNAL_EXIT_CODES[String(io.interrupts.signal.reason)] ?? 1) : 1;
  }
}

function cancelled(signal: AbortSignal): CodedError {
  return new CodedError('TP-CANCELLED', `Ended by ${String(signal.reason)}.`);
}

async function runCommand(spec: CommandSpec, given: Pick<Context, 'args' | 'options' | 'passthrough'>, output: Output, io: CliIo): Promise<number> {
  if (spec.run === undefined) throw new Error(`${spec.name} is built but has no function`);
  const paths = clientPaths(io.env);
  const progress = choice(given.options, 'progress', PROGRESS_MODES) ?? 'auto';
  const context: Context = {
    io,
    commands: COMMANDS,
    ...given,
    paths,
    output,
    signal: io.interrupts.signal,
    call: (method, params, options) =>
      callDaemon(paths.daemonSocket, method, params, {
        signal: options?.signal ?? io.interrupts.signal,
        progress,
        use: given.options.text('use'),
        output,
        stderr: io.stderr,
      }),
  };
  return (await spec.run(context)) ?? 0;
}

function readFormat(options: Options): { format: Format; envelope: boolean } {
  const plain = choice(options, 'format', FORMATS) ?? 'default';
  const enveloped = choice(options, 'output', FORMATS) ?? 'default';
  if (options.given('format') && options.given('output')) throw new CodedError('TP-USAGE', '--format and --output exclude each other.');
  return enveloped === 'default' ? { format: plain, envelope: false } : { format: enveloped, envelope: true };
}

function refuseUnbuilt(spec: CommandSpec, flags: readonly { flag: { state?: string }; name: string }[]): void {
  const state = spec.state ?? 'built';
  if (state !== 'built') throw new CodedError('TP-UNSUPPORTED', `telepresence ${spec.name} is ${wordFor(state)}.`);
  const first = flags[0];
  if (first !== undefined) throw new CodedError('TP-UNSUPPORTED', `--${first.name} is ${wordFor(first.flag.state ?? 'planned')}.`);
}

function wordFor(state: string): string {
  return state === 'planned' ? 'planned, but not built yet' : 'refused: it will not be built';
}

/** Before a command only --help and the flags common to all are known. */
function rejectStrayFlags(own: readonly string[], group: string): void {
  const stray = own.find((token) => token.startsWith('-') && !/^(-h|--help|--(config|format|output|progress|use)(=.*)?)$/s.test(token));
  if (stray === '--version' || stray === '-v')
    throw new CodedError('TP-USAGE', `There is no flag ${stray}.`, { help: '`telepresence version` shows the version.' });
  if (stray !== undefined) throw new CodedError('TP-USAGE', `There is no flag ${stray}.`, { help: `\`telepresence ${group}--help\` shows what there is.` });
}

/**
 * What a command prints, and in which form. `--format` prints the object alone, and on failure `{"error": …}` on stdout; the older
 * `--output` wraps the text of commands that have no object of their own in `{cmd, stdout, stderr, err}`.
 */
import type { CodedError } from '../base/errors.ts';

export const FORMATS = ['default', 'json', 'yaml', 'json-stream'] as const;
export type Format = (typeof FORMATS)[number];

export interface TextSink {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
}

export interface Output {
  readonly format: Format;
  /** A command's result: its object in a structured format, else its text (lines without a final newline; empty prints nothing). */
  result(value: unknown, text: string): Promise<void>;
  /** A line of the text form only. */
  line(text: string): void;
  /** Says on stderr what does not stop the command. */
  warn(text: string): void;
  /** Prints the error in the form that was asked for. */
  fail(error: CodedError): Promise<void>;
  /** Writes what was kept back; called once, at the end. */
  finish(): Promise<void>;
}

export interface OutputOptions {
  format: Format;
  envelope: boolean;
  ownObject: boolean;
  command: string;
  stdout: TextSink;
  stderr: TextSink;
}

export function createOutput(options: OutputOptions): Output {
  const { format, stdout, stderr } = options;
  const structured = format !== 'default';
  const enveloped = structured && options.envelope && !options.ownObject;
  const kept = { stdout: '', stderr: '' };
  const print = async (value: unknown): Promise<void> => {
    stdout.write(await encode(value, format));
  };
  return {
    format,
    async result(value, text) {
      if (enveloped) kept.stdout += text === '' ? '' : `${text}\n`;
      else if (structured) await print(value);
      else if (text !== '') stdout.write(`${text}\n`);
    },
    line(text) {
      if (enveloped) kept.stdout += `${text}\n`;
      else if (!structured) stdout.write(`${text}\n`);
    },
    warn(text) {
      if (enveloped) kept.stderr += `Warning: ${text}\n`;
      else stderr.write(`Warning: ${text}\n`);
    },
    async fail(error) {
      if (structured && options.envelope) {
        await print({ cmd: options.command, ...kept, err: error.message, code: error.code, help: error.help });
        kept.stdout = kept.stderr = '';
      } else if (structured) {
        await print({ error: error.message, code: error.code, help: error.help });
      } else {
        const name = options.command === '' ? 'telepresence' : `telepresence ${options.command}`;
        stderr.write(`${name}: error: ${error.message}\n${error.code}: ${error.help}\n`);
      }
    },
    async finish() {
      if (enveloped && kept.stdout + kept.stderr !== '') await print({ cmd: options.command, ...kept });
    },
  };
}

async function encode(value: unknown, format: Format): Promise<string> {
  if (format === 'yaml') {
    const { stringify } = await import('yaml');
    return stringify(value, { lineWidth: 0 });
  }
  return `${JSON.stringify(value, undefined, format === 'json' ? 2 : undefined)}\n`;
}

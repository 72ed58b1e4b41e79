/** A started process and the client's streams, until both are done. */
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf } from '../../base/errors.ts';
import type { ExecProcess } from '../contract.ts';

/** The client's end, however it came. */
export interface ClientStreams {
  stdin: Readable | undefined;
  stdout: Writable | undefined;
  stderr: Writable | undefined;
  /** Gets the last word, a Status. */
  error: Writable;
  /** Lines of JSON with Width and Height. */
  resize: Readable | undefined;
  readonly closed: Promise<void>;
}

type Outcome = Record<string, unknown>;
const SUCCESS: Outcome = { metadata: {}, status: 'Success' };
/** Attached as to pipes to a container that has a terminal: containerd refuses it without a word. */
const TWO_OUTPUTS_OF_A_TERMINAL: Outcome = { metadata: {} };

export function exitOutcome(code: number): Outcome {
  if (code === 0) return SUCCESS;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function failureOutcome(thrown: unknown): Outcome {
  const message = `Internal error occurred: error executing command in container: ${messageOf(thrown)}`;
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

function drain(from: NodeJS.ReadableStream, to: Writable | undefined): Promise<void> {
  if (to === undefined) from.resume();
  else from.pipe(to);
  // An output that breaks ends like one that ends: the process's exit says what happened.
  return finished(from).catch(() => {});
}

function onResize(stream: Readable | undefined, resize: ExecProcess['resize']): void {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('}'); end !== -1; end = text.indexOf('}')) {
      const match = /"Width":(\d+).*"Height":(\d+)/s.exec(text.slice(0, end + 1));
      text = text.slice(end + 1);
      if (match !== null) resize(Number(match[1]), Number(match[2]));
    }
  });
}

/** Starts it and stays until it has ended and its outputs are sent. A client that goes away ends it. */
export async function runProcess(start: () => Promise<ExecProcess>, client: ClientStreams): Promise<void> {
  let outcome: Outcome;
  try {
    outcome = await follow(await start(), client);
  } catch (error) {
    outcome = failureOutcome(error);
  }
  client.stdout?.end();
  client.stderr?.end();
  await new Promise<void>((resolve) => client.error.end(JSON.stringify(outcome), () => resolve()));
}

async function follow(child: ExecProcess, client: ClientStreams): Promise<Outcome> {
  if (child.stderr === undefined && client.stderr !== undefined) {
    child.kill();
    return TWO_OUTPUTS_OF_A_TERMINAL;
  }
  let running = true;
  void client.closed.then(() => {
    if (running) child.kill();
  });
  onResize(client.resize, (columns, rows) => child.resize(columns, rows));
  if (child.stdin !== undefined) {
    // A process that reads no more is no failure of the stream.
    child.stdin.on('error', () => client.stdin?.resume());
    if (client.stdin === undefined) child.stdin.end();
    else client.stdin.pipe(child.stdin);
  }
  const outputs = [drain(child.stdout, client.stdout), ...(child.stderr === undefined ? [] : [drain(child.stderr, client.stderr)])];
  const code = await child.exited;
  await Promise.race([Promise.all(outputs), client.closed]);
  running = false;
  return exitOutcome(code);
}

/** A workstation in a network namespace of its own, with a fake daemon and the real netd in it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { environment, there } from './privileged.ts';

const exec = promisify(execFile);
const ROOT = new URL('../../../', import.meta.url).pathname;

export async function sh(program: string, ...args: string[]): Promise<string> {
  return (await exec(...(await there(program, args)), { env: environment })).stdout;
}

type Event = Record<string, unknown>;

/** A child that prints JSON lines. */
export class Talker {
  readonly child: ChildProcess;
  readonly events: Event[] = [];
  #wake = new Set<() => void>();
  #calls = 0;

  constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as Event);
      for (const wake of this.#wake) wake();
    });
  }

  /** The first event that fits, also of those that came already. */
  async event(fits: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#wake.delete(wake);
          resolve();
        };
        this.#wake.add(wake);
      });
    }
  }

  async call(method: string, params: unknown = {}): Promise<unknown> {
    const id = ++this.#calls;
    this.child.stdin?.write(`${JSON.stringify({ id, method, params })}\n`);
    const { result, error } = await this.event((event) => event['id'] === id);
    if (error !== undefined) throw new Error(String(error));
    return result;
  }
}

export interface Workstation {
  readonly name: string;
  readonly daemon: Talker;
  readonly netd: ChildProcess;
  /** Runs a program in the workstation's namespace. */
  run(program: string, ...args: string[]): Promise<string>;
  /** Runs Python there, where a test needs a socket inside. */
  python(script: string): Promise<string>;
  /** Everything a user could see changed, as one text. */
  network(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

let made = 0;

/** A namespace with loopback; deleted with the workstation. */
export async function addNamespace(): Promise<{ name: string; [Symbol.asyncDispose](): Promise<void> }> {
  const name = `cap-${process.pid}-${made++}`;
  await sh('ip', 'netns', 'add', name);
  await sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await sh('ip', 'netns', 'del', name);
    },
  };
}

/** @param subnets what the fake daemon takes for the cluster's. */
export async function startWorkstation(subnets: string[], prepare: (name: string) => Promise<void> = async () => {}): Promise<Workstation> {
  const namespace = await addNamespace();
  const { name } = namespace;
  await prepare(name).catch(async (error: unknown) => {
    await namespace[Symbol.asyncDispose]();
    throw error;
  });
  const folder = mkdtempSync(join(tmpdir(), 'netd-'));
  const inside = async (script: string, ...args: string[]) =>
    spawn(...(await there('ip', ['netns', 'exec', name, process.execPath, join(ROOT, script), ...args])), {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment,
    });
  const daemon = new Talker(await inside('test/integration/netd/fake-daemon.ts', join(folder, 'netd.sock'), subnets.join(',')));
  const netd = await inside('bin/netd.ts', '--socket', join(folder, 'netd.sock'), '--log', join(folder, 'netd.log'));
  await daemon.event(({ event }) => event === 'linked');
  const run = (program: string, ...args: string[]) => sh('ip', 'netns', 'exec', name, program, ...args);
  return {
    name,
    daemon,
    netd,
    run,
    python: (script) => run('python3', '-c', script),
    network: async () => {
      const texts = await Promise.all([
        run('nft', 'list', 'ruleset'),
        run('ip', 'route', 'show', 'table', 'all'),
        run('ip', '-6', 'route', 'show', 'table', 'all'),
        run('ip', 'rule'),
        run('ip', '-o', 'link'),
      ]);
      return texts.join('\n---\n');
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of [daemon.child, netd]) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await namespace[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

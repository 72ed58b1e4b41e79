/** A workstation for tests: a network namespace of its own with a HOME of its own, on which the real `telepresence` runs. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Lab } from './lab.ts';
import { background, eventually, type Finished, type RunOptions, run } from './run.ts';

const telepresenceBinary = path.join(import.meta.dirname, '../../../bin/telepresence');

export interface WorkstationOptions {
  lab: Lab;
  name: string;
  kubeconfig: string;
  kubectl: string;
  /** Milliseconds of round trip to the API server. */
  rtt?: number | undefined;
  /** Another `telepresence` than this checkout's. */
  binary?: string | undefined;
}

export class Workstation implements AsyncDisposable {
  readonly name: string;
  readonly home: string;
  readonly #options: WorkstationOptions;

  private constructor(options: WorkstationOptions, home: string) {
    this.name = options.name;
    this.#options = options;
    this.home = home;
  }

  static async create(options: WorkstationOptions): Promise<Workstation> {
    const { lab, name } = options;
    // the kernel takes its time with a namespace of the same name that was just removed: its link is in the way until then
    await eventually(
      'a network namespace of its own',
      async () => {
        await lab.remove(name);
        await lab.add(name);
        return true;
      },
      60_000,
    );
    const workstation = new Workstation(options, await mkdtemp(path.join(tmpdir(), `tp-${options.name}-`)));
    // its link settles: IPv6 addresses are tentative for a second or two, and then appear among the routes
    await eventually('the workstation’s link is up', async () => {
      const { stdout } = await workstation.shell('ip -6 -o addr show dev eth0 scope link; ip -6 -o addr show tentative');
      return /^\S+ eth0 .*scope link/m.test(stdout) && !stdout.includes('tentative');
    });
    return workstation;
  }

  #argv(command: string, args: readonly string[]): [string, string[]] {
    const { lab, name, rtt } = this.#options;
    return lab.command(name, command, args, rtt);
  }

  get #binary(): string {
    return this.#options.binary ?? telepresenceBinary;
  }

  get env(): NodeJS.ProcessEnv {
    const { XDG_RUNTIME_DIR: _runtime, XDG_CACHE_HOME: _cache, XDG_CONFIG_HOME: _config, ...rest } = process.env;
    return {
      ...rest,
      HOME: this.home,
      KUBECONFIG: this.#options.kubeconfig,
      // the tests' own helpers come first, then what the machine has
      PATH: `${path.dirname(this.#binary)}:${path.dirname(this.#options.kubectl)}:${process.env['PATH'] ?? ''}`,
    };
  }

  /** Runs any program on the workstation. */
  run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Finished> {
    const [file, argv] = this.#argv(command, args);
    return run(file, argv, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Runs a line in the workstation's shell, as a user types it. */
  shell(line: string, options: RunOptions = {}): Promise<Finished> {
    return this.run('bash', ['-c', line], options);
  }

  background(command: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess & AsyncDisposable & { output: () => string } {
    const [file, argv] = this.#argv(command, args);
    return background(file, argv, { env: { ...this.env, ...env } });
  }

  telepresence(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.run(this.#binary, args, options);
  }

  /** Runs `telepresence` and expects exit code 0. @returns stdout */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.telepresence(args, options);
    if (code !== 0) throw new Error(`telepresence ${args.join(' ')} exited with ${code}\n${stdout}\n${stderr}\n${await this.logTail()}`);
    return stdout;
  }

  async logTail(): Promise<string> {
    const read = (file: string): Promise<string> => readFile(path.join(this.home, '.cache/telepresence/logs', file), 'utf8').catch(() => '');
    const [daemon, netd] = await Promise.all([read('daemon.log'), read('netd.log')]);
    return `daemon.log: ${daemon.slice(-3000)}\nnetd.log: ${netd.slice(-1500)}`;
  }

  /** Routes, rules, links and nft tables as text: what must be the same after as before. */
  async networkState(): Promise<string> {
    const parts = await Promise.all(
      ['ip route show table all', 'ip -6 route show', 'ip rule', 'ip -brief link', 'nft list ruleset', 'cat /etc/resolv.conf'].map(
        async (line) => `# ${line}\n${(await this.shell(line)).stdout}`,
      ),
    );
    return parts.join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.telepresence(['quit', '-s'], { timeoutMs: 15_000 });
    await this.#options.lab.remove(this.name);
    await rm(this.home, { recursive: true, force: true });
  }
}

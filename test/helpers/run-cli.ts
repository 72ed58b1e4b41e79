/** Runs the CLI in-process against a fake daemon: a table of handlers on a real unix socket. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { VERSION } from '../../src/base/version.ts';
import type { CliIo } from '../../src/cli/cli-io.ts';
import { main } from '../../src/cli/main.ts';
import { type ClientPaths, clientPaths } from '../../src/config/paths.ts';
import type { DaemonApi, InterceptInfo } from '../../src/protocol/daemon-api.ts';
import { type ApiHandler, type ApiHandlers, type ApiServer, serveApi } from '../../src/rpc/unix-http.ts';

export interface CliRun {
  code: number;
  stdout: string;
  stderr: string;
}

export type FakeHandlers = Partial<ApiHandlers<DaemonApi>>;

export interface CliWorld extends AsyncDisposable {
  home: string;
  paths: ClientPaths;
  env: Record<string, string>;
  /** What the fake daemon was called with, in order. */
  calls: { method: string; params: unknown }[];
  serve(handlers: FakeHandlers): Promise<void>;
  run(args: string[], io?: Partial<CliIo>): Promise<CliRun>;
  /** A file of the home folder that is run in place of a program. */
  programs: Partial<Record<'daemon' | 'netd' | 'sandbox', string>>;
}

export function cliWorld(): CliWorld {
  const home = mkdtempSync(join(tmpdir(), 'tp-cli-'));
  const env = { HOME: home, PATH: process.env['PATH'] ?? '' };
  const paths = clientPaths(env);
  let server: ApiServer | undefined;
  const world: CliWorld = {
    home,
    paths,
    env,
    calls: [],
    programs: {},
    async serve(handlers) {
      mkdirSync(paths.socketDir, { recursive: true, mode: 0o700 });
      server = await serveApi<DaemonApi>(paths.daemonSocket, recorded(handlers, world.calls), { log: silentLog });
    },
    async run(args, io = {}) {
      const stdout = sink();
      const stderr = sink();
      const code = await main(args, {
        env,
        cwd: home,
        stdin: { isTTY: false },
        stdout,
        stderr,
        uid: process.getuid?.() ?? 0,
        interrupts: { signal: new AbortController().signal, redirect: () => () => {} },
        execPath: process.execPath,
        program: (name) => world.programs[name] ?? join(home, `no-${name}.ts`),
        ...io,
      });
      return { code, stdout: stdout.text, stderr: stderr.text };
    },
    async [Symbol.asyncDispose]() {
      await server?.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return world;
}

function sink(): { text: string; write(text: string): void } {
  return {
    text: '',
    write(text) {
      this.text += text;
    },
  };
}

/** The handlers, each noting that it was called. */
function recorded(handlers: FakeHandlers, calls: CliWorld['calls']): ApiHandlers<DaemonApi> {
  const table: Record<string, ApiHandler<unknown>> = {};
  const given: Record<string, ApiHandler<unknown>> = { version: () => ({ daemon: VERSION }), ...handlers };
  for (const [method, handler] of Object.entries(given)) {
    table[method] = (params, context) => {
      calls.push({ method, params });
      return handler(params, context);
    };
  }
  // Methods that a test does not give are answered as unknown ones.
  return table as unknown as ApiHandlers<DaemonApi>;
}

/** An intercept as the daemon answers it. */
export const INTERCEPT: InterceptInfo = {
  id: '6f1c',
  name: 'example-service',
  namespace: 'default',
  workload: { kind: 'Deployment', name: 'example-service' },
  service: 'example-service',
  servicePort: { number: 80, name: 'http', protocol: 'TCP' },
  target: { host: '127.0.0.1', port: 8080 },
  mechanism: 'tcp',
  state: 'ACTIVE',
  user: 'alice',
  hostname: 'laptop',
  mine: true,
  servicePortShown: false,
};

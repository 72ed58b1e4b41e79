/** A PostgreSQL server of its own for tests, from the binaries that Debian's package `postgresql` brings. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './cloud-fixture.ts';

const ROOT = '/usr/lib/postgresql';
const run = promisify(execFile);

function binaries(): string | undefined {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).toSorted((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => path.join(ROOT, version, 'bin')).find((folder) => existsSync(path.join(folder, 'initdb')));
}

interface Owner {
  uid?: number;
  gid?: number;
  /** What the server's programs are started by. */
  by?: readonly string[];
}

/** As the root of a user namespace this process is the only user there is. */
const isOnlyUser = (): boolean => /^\s*0\s+\d+\s+1\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));

/** The server refuses to run as root: the package's user then, or in a user namespace one more, in which this user has another number. */
function owner(): Owner | undefined {
  if (userInfo().uid !== 0) return {};
  if (isOnlyUser()) return { by: ['unshare', '--user', '--map-user=1000', '--map-group=1000'] };
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Why there is none, for the names of tests that are skipped. */
export const postgresMissing: string | undefined =
  binaries() === undefined ? 'needs PostgreSQL: Debian’s package postgresql' : owner() === undefined ? 'needs a user postgres' : undefined;

export interface TestPostgres {
  /** Makes an empty database, and returns its address. */
  database(name: string): Promise<string>;
  stop(): Promise<void>;
  /** Kills it as a power cut would. */
  kill(): Promise<void>;
  /** After `kill`. */
  start(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const bin = binaries();
  const as = owner();
  if (bin === undefined || as === undefined) throw new Error(postgresMissing);
  const folder = mkdtempSync('/tmp/cloud-postgres-');
  const { by = [], ...ids } = as;
  if (ids.uid !== undefined && ids.gid !== undefined) chownSync(folder, ids.uid, ids.gid);
  const commandOf = (program: string, args: readonly string[]): [string, string[]] => {
    const [command = '', ...rest] = [...by, path.join(bin, program), ...args];
    return [command, rest];
  };
  const data = path.join(folder, 'data');
  await run(...commandOf('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']), { ...ids, cwd: folder });
  const port = await freePort();
  const address = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`;
  let child: ChildProcess;
  const start = async () => {
    child = spawn(...commandOf('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder]), { ...ids, cwd: folder, stdio: 'ignore' });
    const deadline = Date.now() + 20_000;
    for (;;) {
      const client = new pg.Client({ connectionString: address('postgres') });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const kill = async (signal: NodeJS.Signals) => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  };
  await start();
  return {
    async database(name) {
      const client = new pg.Client({ connectionString: address('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE "${name}"`);
      await client.end();
      return address(name);
    },
    async stop() {
      await kill('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
    kill: () => kill('SIGQUIT'),
    start,
  };
}

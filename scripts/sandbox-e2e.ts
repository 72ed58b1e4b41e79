/**
 * `npm run e2e -- --sandbox [PATTERN…]`, and a part of `npm test`: the e2e files on the sandbox. They run in namespaces of their own,
 * as root or as an ordinary user who is root in there, so that nothing of them meets the machine's network or outlives them.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NEEDS_REAL_CLUSTER } from '../test/e2e/real-cluster-only.ts';
import { type Program, runInLane } from './beside.ts';
import { toolEnvironment } from './environment.ts';
import { imageOfThisCheckout } from './fresh-image.ts';
import { removeFolder } from './remove-folder.ts';
import { shardsOf } from './shards.ts';

const root = path.join(import.meta.dirname, '..');
/** Beside each other in `npm test`: a file mostly waits, so that one alone leaves a machine idle. */
const SANDBOXES = 3;
const NAMESPACES = ['--mount', '--net', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
/**
 * `ip netns` keeps its names in /run, and in /etc what it binds over /etc. That is a copy, of what is readable: in the machine's own an
 * ordinary user makes no folder, not even as the root of a user namespace. Process 1 takes in orphans, which Node does not.
 */
const PREPARE = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/etc
cp -r --preserve=mode,links /etc/. /run/etc 2>/dev/null || true
rm -rf /run/etc/netns
mkdir /run/etc/netns
mount --bind /run/etc /etc
ip link set lo up
set +e
"$@" & wait $!; exit $?`;

const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

/** Why it can't be on this machine, in one line; undefined when it can. */
function impossible(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', [...user, ...NAMESPACES, 'sh', '-c', PREPARE, 'sh', 'nft', 'list', 'tables'], {
    encoding: 'utf8',
    env: toolEnvironment(),
  });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n')[0] ?? 'no namespaces');
}

function count(skipped: number): void {
  const file = process.env['TEST_COUNT_FILE'];
  if (file !== undefined && skipped > 0) appendFileSync(file, `0 passed, 0 failed, ${skipped} skipped\n`);
}

/** Whether it can be on this machine, with the image made; if not, that is said, and counts as skipped. */
function ready(): boolean {
  const reason = impossible();
  if (reason === undefined) {
    imageOfThisCheckout();
    return true;
  }
  process.stdout.write(`e2e on the sandbox: skipped: this machine gives no namespaces (${reason})\n`);
  count(1);
  return false;
}

/**
 * Vitest in namespaces of its own, with a sandbox of its own in `folder`. All workstations share what Node keeps of compiled programs:
 * each has a HOME of its own, and would compile the same ones again.
 */
function vitestOnSandbox(folder: string, args: readonly string[]): Program {
  const vitest = [path.join(root, 'node_modules/.bin/vitest'), 'run', '--project', 'e2e', ...args];
  return {
    command: 'unshare',
    args: [...user, ...NAMESPACES, 'sh', '-c', PREPARE, 'sh', ...vitest],
    cwd: root,
    env: {
      ...toolEnvironment(),
      TELEPRESENCE_TEST_CLUSTER: 'sandbox',
      TELEPRESENCE_SANDBOX: path.join(folder, 'sandbox'),
      NODE_COMPILE_CACHE: path.join(folder, 'compile-cache'),
    },
  };
}

function tellLeft(left: readonly string[]): void {
  count(left.length);
  for (const file of left) process.stdout.write(`not on the sandbox: ${file}: ${NEEDS_REAL_CLUSTER[file]}\n`);
}

/** The files whose names match, or all, one after the other on one sandbox. @returns exit code */
export function runOnSandbox(patterns: readonly string[]): number {
  if (!ready()) return 0;
  const folder = mkdtempSync(path.join(tmpdir(), 'tp-e2e-'));
  const left = patterns.length === 0 ? Object.keys(NEEDS_REAL_CLUSTER) : [];
  const excluded = left.flatMap((file) => ['--exclude', `test/e2e/${file}`]);
  const { command, args, cwd, env } = vitestOnSandbox(folder, [...patterns, ...excluded]);
  try {
    const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env });
    if (error) throw error;
    tellLeft(left);
    return status ?? 1;
  } finally {
    removeFolder(folder);
  }
}

/** All files, on several sandboxes beside each other; each has a lane of the output. @returns exit codes */
export function allOnSandboxes(folder: string): Promise<number>[] {
  if (!ready()) return [];
  const left = Object.keys(NEEDS_REAL_CLUSTER);
  const files = readdirSync(path.join(root, 'test/e2e')).filter((file) => file.endsWith('.test.ts') && !left.includes(file));
  tellLeft(left);
  return shardsOf(files, SANDBOXES).map((shard, index) => {
    const own = path.join(folder, `e2e-${index + 1}`);
    mkdirSync(own);
    return runInLane(
      `e2e ${index + 1}`,
      vitestOnSandbox(
        own,
        shard.map((file) => `test/e2e/${file}`),
      ),
    );
  });
}

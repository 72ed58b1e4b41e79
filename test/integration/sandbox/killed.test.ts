/** A sandbox that is killed leaves the machine as it was: processes, namespaces, links, routes, rules and mounts, compared as text. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withSystemFolders } from '../../../src/base/system-path.ts';
import { sandboxPossible } from './possible.ts';

/** A machine with one process. */
const MACHINE = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'],
];
/**
 * Names of namespaces are in /run; those that the machine has are left out, since whoever takes one away there takes it away here too.
 * Process 1 takes in orphans.
 */
const PREPARE = 'umount -R -l /run/netns 2>/dev/null; mount -t tmpfs tmpfs /run && ip link set lo up && "$@" & wait $!; exit $?';

const env = { ...process.env, PATH: withSystemFolders(process.env['PATH']) };
const inMachine = (...command: string[]): string[] => [...MACHINE, 'sh', '-c', PREPARE, 'sh', ...command];

describe.each(['root', 'ordinary user'])('as %s', (who) => {
  const user = who === 'root' ? [] : ['unshare', '--user', '--map-user=1000', '--map-group=1000', 'unshare', '--user', '--map-root-user'];
  const possible = sandboxPossible && spawnSync('unshare', inMachine(...user, 'unshare', '--net', 'true'), { env }).status === 0;

  it.skipIf(!possible).each([1, 2])(
    'a killed sandbox of %d nodes leaves the machine as it was',
    async (nodes) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'sandbox-killed-'));
      try {
        const program = path.join(import.meta.dirname, 'programs/killed.ts');
        const command = inMachine(process.execPath, program, path.join(folder, 'sandbox'), String(nodes), who);
        const { stdout } = await promisify(execFile)('unshare', command, { env });
        const seen = JSON.parse(stdout) as { before: Record<string, string>; during: { running: string[]; processes: number }; left: string[] };
        expect(seen.before).toMatchObject({ rules: '', named: '', links: expect.stringMatching(/^1: lo: [^\n]*\n$/), mounts: expect.stringContaining(' / ') });
        expect(seen.during.running).toEqual(Array(2 * nodes).fill('Running'));
        expect(seen.during.processes).toBeGreaterThan(2 * nodes + 4);
        expect(seen.left.join('\n')).toBe('');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});

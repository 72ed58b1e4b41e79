/** The sandbox's spawner and network with the real kernel, in namespaces that end with the test: as root, and as a user who is alone in a user namespace. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const possible = (how: string[]): boolean => spawnSync('unshare', [...how, ...NAMESPACES, 'true']).status === 0;

interface Exit {
  code: number;
  signal: number;
}
interface Seen {
  [name: string]: unknown;
  code: Exit;
}

describe.each([
  ['as root', []],
  ['in a user namespace with one user', ['--user', '--map-root-user']],
] as const)('a container %s', (_, how) => {
  const skipped = !possible([...how]);
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  let seen: Seen;

  beforeAll(async () => {
    if (skipped) return;
    const program = join(import.meta.dirname, 'programs/containers.ts');
    const { stdout } = await promisify(execFile)('unshare', [...how, ...NAMESPACES, process.execPath, program, folder], { timeout: 30_000 });
    seen = JSON.parse(stdout) as Seen;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.skipIf(skipped)('is alone in its namespaces, as process 1', () => {
    expect(seen).toMatchObject({ pid: '1', processes: '/proc/1', hostname: 'pod-a', environment: 'hello' });
    expect(seen['descriptors']).toMatch(/^\/proc\/self\/fd\/0 \/proc\/self\/fd\/1 \/proc\/self\/fd\/2( \/proc\/self\/fd\/\d)?$/);
  });

  it.skipIf(skipped)('has the rights it was given', () => {
    const rights = Object.fromEntries(
      String(seen['rights'])
        .split('\n')
        .map((line) => line.split(/:\s*/, 2)),
    ) as Record<string, string>;
    expect(rights).toMatchObject({ CapEff: '0000000000000000', CapBnd: '0000000000000000', NoNewPrivs: '1' });
    // nobody else can be become where only one user is mapped
    expect(rights['Uid']?.split('\t')[0]).toBe(how.length === 0 ? '1000' : '0');
    if (how.length === 0) expect(rights['Groups']?.trim()).toBe('77 1000');
  });

  it.skipIf(skipped)('writes only where it may', () => expect(seen['readOnly']).toBe('refused\ntmp'));

  it.skipIf(skipped)('tells how it ended, and why it did not start', () => {
    expect(seen).toMatchObject({ code: { code: 7, signal: 0 }, killed: { code: 137, signal: 9 }, missing: 'exec 2', overlayNotFound: 'exec 2' });
  });

  it.skipIf(skipped)('takes another process beside its own', () => {
    expect(seen['exec']).toEqual([{ code: 0, signal: 0 }, expect.stringMatching(/^\d+ pod-a\n(sh|dash)$/)]);
  });

  it.skipIf(skipped)('has an address that the node sees, and ports that the node can dial', () => {
    expect(seen).toMatchObject({ podAddress: ['10.244.0.3', '10.244.0.3'], dialled: 'from the pod', refused: 'ECONNREFUSED' });
    expect(seen['workstation']).toEqual(['198.18.0.100', true, false]);
  });
});

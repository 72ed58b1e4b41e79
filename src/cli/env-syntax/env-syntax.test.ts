import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOCKER_LINE_LIMIT } from './docker.ts';
import { type EnvSyntax, parseEnvSyntax, writeEnvironment } from './index.ts';

/** What breaks quoting, and ordinary text. */
const fragment = fc.oneof(
  fc.constantFrom(
    '\\',
    '"',
    "'",
    '$',
    '`',
    '!',
    '\n',
    '\r',
    '%',
    '^',
    '&',
    '#',
    ' ',
    '\t',
    '=',
    '{',
    '}',
    'n',
    '0',
    '\u2019',
    `$\{X}`,
    '$$',
    'é',
    '日本',
    '🎉',
  ),
  fc.string({ unit: 'grapheme' }),
);
const value = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join('').replaceAll('\0', ''));
const names = fc.stringMatching(/^[A-Z][A-Z0-9_]{2,8}$/).map((name) => `T_${name}`);
const environments = fc.dictionary(names, value, { maxKeys: 12 });

/** Runs a script that ends by printing its environment. */
function readBack(command: string[], text: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'tp-env-'));
  try {
    const script = join(folder, 'script');
    writeFileSync(script, `${text}${process.execPath} -e 'console.log(JSON.stringify(process.env))'\n`);
    const [file = '', ...args] = command;
    return JSON.parse(execFileSync(file, [...args, script], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: folder } }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

function expectHeld(env: Record<string, string>, syntax: EnvSyntax, read: (text: string) => Record<string, string>): void {
  const { text, left } = writeEnvironment(syntax, env);
  const seen = read(text);
  const skipped = new Set(left.map(({ name }) => name));
  for (const [name, wanted] of Object.entries(env)) expect(seen[name], name).toBe(skipped.has(name) ? undefined : wanted);
}

describe('env syntaxes that a shell reads back', () => {
  for (const shell of ['sh', 'bash', 'zsh', 'dash']) {
    it.skipIf(!has(shell))(`sh:export gives ${shell} every value (needs ${shell})`, () => {
      fc.assert(
        fc.property(environments, (env) => expectHeld(env, 'sh:export', (text) => readBack([shell], text))),
        { numRuns: 15 },
      );
    });
  }

  it.skipIf(!has('tcsh'))('csh:export gives tcsh every value (needs tcsh)', () => {
    fc.assert(
      fc.property(environments, (env) => expectHeld(env, 'csh:export', (text) => readBack(['tcsh', '-f'], text))),
      { numRuns: 15 },
    );
  });
});

describe('env syntaxes by the rules of their readers', () => {
  it('json holds everything', () => {
    fc.assert(fc.property(environments, (env) => expectHeld(env, 'json', (text) => JSON.parse(text))));
  });

  it('docker takes lines as they stand', () => {
    fc.assert(fc.property(environments, (env) => expectHeld(env, 'docker', readDocker)));
  });

  it('compose unescapes double quotes', () => {
    fc.assert(fc.property(environments, (env) => expectHeld(env, 'compose', readCompose)));
  });

  it.each(['ps', 'ps:export'] as const)('%s doubles every kind of single quote', (syntax) => {
    fc.assert(fc.property(environments, (env) => expectHeld(env, syntax, readPowerShell)));
  });

  it('cmd escapes with carets and doubles percent signs', () => {
    fc.assert(fc.property(environments, (env) => expectHeld(env, 'cmd', readCmd)));
  });

  it('leaves nothing out without saying so', () => {
    fc.assert(
      fc.property(environments, fc.constantFrom<EnvSyntax>('docker', 'cmd', 'sh', 'csh', 'ps', 'compose'), (env, syntax) => {
        const { left } = writeEnvironment(syntax, env);
        for (const { name } of left) expect(env[name]).toMatch(/[\n\r]/);
      }),
    );
  });
});

describe('golden lines', () => {
  const env = { NAME: 'it\'s "a" $b' };
  it.each<[EnvSyntax, string]>([
    ['docker', 'NAME=it\'s "a" $b\n'],
    ['compose', 'NAME="it\'s \\"a\\" \\$b"\n'],
    ['sh', "NAME='it'\\''s \"a\" $b'\n"],
    ['sh:export', "export NAME='it'\\''s \"a\" $b'\n"],
    ['csh', "set NAME='it'\\''s \"a\" $b'\n"],
    ['csh:export', "setenv NAME 'it'\\''s \"a\" $b'\n"],
    ['ps', `$\{NAME}='it''s "a" $b'\n`],
    ['ps:export', `$\{env:NAME}='it''s "a" $b'\n`],
    ['cmd', 'set NAME=it\'s ^"a^" $b\r\n'],
    ['json', '{\n  "NAME": "it\'s \\"a\\" $b"\n}\n'],
  ])('%s', (syntax, text) => {
    expect(writeEnvironment(syntax, env)).toEqual({ text, left: [] });
  });

  it('orders by name', () => {
    expect(writeEnvironment('docker', { B: '2', A: '1' }).text).toBe('A=1\nB=2\n');
  });

  it.each<[EnvSyntax, Record<string, string>]>([
    ['docker', { A: 'x\ny' }],
    ['docker', { A: 'x\r' }],
    ['docker', { A: 'x'.repeat(DOCKER_LINE_LIMIT) }],
    ['docker', { '#A': 'x' }],
    ['cmd', { A: 'x\ny' }],
    ['sh', { 'a.b': 'x' }],
    ['csh', { 'a-b': 'x' }],
    ['compose', { 'a b': 'x' }],
    ['ps', { 'a}b': 'x' }],
  ])('%s names what it can not hold (%#)', (syntax, wrong) => {
    const { text, left } = writeEnvironment(syntax, wrong);
    expect(text).toBe('');
    expect(left).toHaveLength(1);
  });

  it('refuses an unknown syntax', () => {
    expect(() => parseEnvSyntax('toml')).toThrow('--env-syntax is "toml"; it takes docker, compose, sh');
  });
});

function readDocker(text: string): Record<string, string> {
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/\r$/, ''));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function readCompose(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, quoted] of text.matchAll(/^(\w+)="((?:[^"\\]|\\.)*)"$/gm)) {
    expect(quoted?.replace(/\\./g, '')).not.toContain('$');
    found[name ?? ''] = (quoted ?? '').replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char === 'r' ? '\r' : char));
  }
  return found;
}

function readPowerShell(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, quoted] of text.matchAll(/^\$\{(?:env:)?(\w+)\}='((?:[^'\u2018-\u201B]|['\u2018-\u201B]{2})*)'$/gm))
    found[name ?? ''] = (quoted ?? '').replace(/(['\u2018-\u201B])./g, '$1');
  return found;
}

function readCmd(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split('\r\n').slice(0, -1)) {
    const percent = line.replace(/%%/g, '%');
    expect(percent.replace(/\^./g, '')).not.toMatch(/[&|<>"()^]/);
    const plain = percent.replace(/\^(.)/g, '$1');
    const match = /^set (\w+)=(.*)$/s.exec(plain);
    found[match?.[1] ?? ''] = match?.[2] ?? '';
  }
  return found;
}

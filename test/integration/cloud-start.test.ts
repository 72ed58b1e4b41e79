/** `npm run cloud` on a fresh machine: how soon it is there, and what it prints for whoever started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../../src/cloud/testing/cloud-fixture.ts';
import { MEASURED } from '../helpers/measured.ts';

const PROGRAM = path.join(import.meta.dirname, '../../bin/cloud.ts');

it('is up in under 3 s with SQLite (measured), and prints a link that makes the first administrator once', { timeout: 30_000 }, async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'tp-cloud-start-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = { PATH: process.env['PATH'], HOME: home, TELEPRESENCE_CLOUD_URL: url, TELEPRESENCE_CLOUD_PREVIEW_DOMAIN: `preview.localhost:${port}` };
  const began = performance.now();
  const program = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let logged = '';
  program.stderr.on('data', (chunk) => {
    logged += String(chunk);
  });
  try {
    while (!printed.includes('/invitations/')) printed += String((await once(program.stdout, 'data'))[0]);
    if (MEASURED) expect(performance.now() - began).toBeLessThan(3_000);
    const link = /http:\S+\/invitations\/\S+/.exec(printed)?.[0] ?? '';
    const page = await fetch(link);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('You are the first one here')]);
    const secret = link.split('/').at(-1) ?? '';
    expect(logged).not.toContain(secret);
  } finally {
    program.kill('SIGTERM');
    await once(program, 'exit');
    await rm(home, { recursive: true });
  }
});

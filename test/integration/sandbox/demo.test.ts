/** `npm run demo` as whoever hears of this project types it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sandboxPossible } from './possible.ts';

const program = join(import.meta.dirname, '../../../scripts/demo.ts');

describe.skipIf(!sandboxPossible)('the demo', () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs it in a session of its own, as a terminal has one. `onOutput` sees all that it has printed so far. */
  async function demo(onOutput: (text: string, pid: number) => void = () => {}): Promise<{ code: unknown; text: string }> {
    const child = spawn(process.execPath, [program], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder } });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        onOutput(text, child.pid ?? 0);
      });
    const [code] = (await once(child, 'close')) as unknown[];
    return { code, text };
  }

  it('shows the page green, then blue, then orange, then green again, and leaves nothing', async () => {
    const { code, text } = await demo();
    expect(code, text).toBe(0);
    expect(text.match(/the page is \w+/g)).toEqual(['green', 'blue', 'orange', 'green'].map((colour) => `the page is ${colour}`));
    expect(readdirSync(folder)).toEqual([]);
  }, 180_000);

  it('ends at Ctrl-C, and leaves nothing', async () => {
    let pressed = false;
    const { code, text } = await demo((seen, pid) => {
      if (pressed || !seen.includes('Using deployment')) return;
      pressed = true;
      // a terminal tells all of the foreground's processes
      process.kill(-pid, 'SIGINT');
    });
    expect([pressed, code], text).toEqual([true, 130]);
    expect(readdirSync(folder)).toEqual([]);
  }, 180_000);
});

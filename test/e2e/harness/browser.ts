/** Chromium on a workstation: in its network namespace, with its own profile, names of previews resolved to the cloud. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Workstation } from './workstation.ts';

const CHROMIUM = process.env['TELEPRESENCE_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
export const browserAvailable = existsSync(CHROMIUM);

/** @param names as `--host-resolver-rules` has them: `MAP *.preview.example 198.18.0.2`. */
export async function browserOn(workstation: Workstation, names: string): Promise<{ browser: Browser } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-browser-'));
  const launcher = path.join(folder, 'chromium');
  await writeFile(launcher, `#!/bin/sh\nexec ip netns exec lab-${workstation.name} ${CHROMIUM} "$@"\n`);
  await chmod(launcher, 0o755);
  const browser = await chromium.launch({
    executablePath: launcher,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--host-resolver-rules=${names}`],
  });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

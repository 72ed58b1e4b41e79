/** The browser of browser tests: whichever Chromium the machine has. */
import { existsSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];
export const CHROMIUM = PLACES.find((place) => existsSync(place));
/** For `describe.skipIf`, and into the name of what is skipped. */
export const NO_CHROMIUM = CHROMIUM === undefined ? ' (skipped: no Chromium here)' : '';

export function launchChromium(): Promise<Browser> {
  // Whoever may make no namespaces, root for one, has no sandbox; the pages are our own.
  return chromium.launch({
    executablePath: CHROMIUM ?? '',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** What axe finds, as a list that is readable in a failure. */
export async function axeFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${new URL(page.url()).pathname} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

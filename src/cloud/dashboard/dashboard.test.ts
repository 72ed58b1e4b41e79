import { createServer, type Server } from 'node:http';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { axeFindings, CHROMIUM, launchChromium, NO_CHROMIUM } from '../testing/chromium.ts';
import { startTestCloud, TEST_PASSWORD, type TestCloud, testIntercept } from '../testing/cloud.ts';
import { type Seeded, seedCloud } from '../testing/seed.ts';

describe.skipIf(CHROMIUM === undefined)(`the dashboard in Chromium${NO_CHROMIUM}`, { timeout: 240_000 }, () => {
  let cloud: TestCloud;
  let seeded: Seeded;
  let browser: Browser;
  let app: Server;
  let url: string;
  const contexts: BrowserContext[] = [];
  /** What a page complained about: scripts that fail, policies that are broken. */
  let complaints: string[] = [];

  beforeAll(async () => {
    cloud = await startTestCloud();
    app = createServer((req, res) => {
      if (req.url?.startsWith('/set'))
        res.setHeader('set-cookie', ['app=1; Path=/', 'wide=1; Domain=shop.northwind.example; Path=/', 'evil=1; Domain=preview.localhost; Path=/']);
      res.setHeader('content-type', 'text/html').end(`<title>the app</title><h1>Hello from ${String(req.headers['x-telepresence-intercept-id'])}</h1>`);
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const address = app.address();
    seeded = await seedCloud(cloud, typeof address === 'object' && address !== null ? address.port : 0);
    browser = await launchChromium();
    url = cloud.config.url;
  }, 60_000);
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser.close();
    await seeded.close();
    await cloud.close();
    app.closeAllConnections();
    app.close();
  });

  const visitor = async (options: BrowserContextOptions = {}): Promise<Page> => {
    complaints = [];
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    return page;
  };
  const signIn = async (page: Page, email = 'ada.lovelace@example.com'): Promise<void> => {
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(TEST_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const member = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const page = await visitor(options);
    await page.goto(url);
    await signIn(page);
    await page.getByRole('heading', { name: 'Intercepts', level: 1 }).waitFor();
    return page;
  };
  const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  /** Something that a reload would lose. */
  const mark = (page: Page) => page.evaluate('window.mine = true');
  const marked = (page: Page) => page.evaluate('window.mine === true');

  it('shows intercepts as they come and go, without a reload', async () => {
    const page = await member();
    await page.getByText('Live', { exact: true }).waitFor();
    await mark(page);
    const more = testIntercept('11111111-2222-3333-4444-555555555555', { name: 'just-begun', requests: 5 });
    seeded.managers[1]?.list([...seeded.intercepts.slice(3), more]);
    await rowOf(page, 'just-begun').waitFor();
    // counted on, as by a manager: a rise is seen between two looks at the counts, and the first look may come late
    const counting = setInterval(() => {
      more.requests = (more.requests ?? 0) + 100;
      seeded.managers[1]?.list([...seeded.intercepts.slice(3), more]);
    }, 200);
    await rowOf(page, 'just-begun')
      .getByText('seen')
      .waitFor()
      .finally(() => clearInterval(counting));
    seeded.managers[1]?.list(seeded.intercepts.slice(3));
    await rowOf(page, 'just-begun').waitFor({ state: 'detached' });
    expect(await marked(page)).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('makes a preview public and private again, keeping focus and page', async () => {
    const page = await member();
    await mark(page);
    const row = rowOf(page, 'verylargejavaservice');
    await row.getByRole('button', { name: 'Private' }).click();
    await page.getByText('anyone with the link').waitFor();
    await row.getByRole('button', { name: 'Public' }).waitFor();
    const preview = (await cloud.store.previews.list(seeded.owner.organisation.id)).find(({ intercept }) => intercept.name === 'verylargejavaservice');
    expect(preview?.public).toBe(true);
    await row.getByRole('button', { name: 'Public' }).press('Enter');
    await page.getByText('members only').waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Private');
    expect(await marked(page)).toBe(true);
  });

  it('ends an intercept after asking, by keyboard', async () => {
    const page = await member();
    const row = rowOf(page, 'payments-gateway-internal');
    await row.getByRole('button', { name: 'End payments-gateway-internal' }).press('Enter');
    const question = page.getByRole('dialog', { name: 'End payments-gateway-internal?' });
    await question.getByRole('button', { name: 'Keep it' }).press('Enter');
    await row.getByRole('button', { name: 'End payments-gateway-internal' }).press('Enter');
    await question.getByRole('button', { name: 'End intercept' }).press('Enter');
    await page.getByText('The intercept was ended.').waitFor();
    await row.waitFor({ state: 'detached' });
    expect(seeded.managers[0]?.ended.map(({ uid }) => uid)).toEqual([seeded.intercepts[2]?.uid]);
  });

  it('works without JavaScript', async () => {
    const page = await member({ javaScriptEnabled: false });
    await rowOf(page, 'verylargejavaservice').getByRole('button', { name: 'Private' }).click();
    await page.getByText('anyone with the link').waitFor();
    await rowOf(page, 'verylargejavaservice').getByRole('button', { name: 'Public' }).click();
    await page.getByText('members only').waitFor();
    await page.getByRole('link', { name: 'verylargejavaservice', exact: true }).click();
    await page.getByRole('heading', { name: 'Who visited' }).waitFor();
    await page.getByRole('button', { name: 'End intercept' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
    await page.getByText('Account: ').locator('xpath=..').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('makes keys and invitations that are shown once', async () => {
    const page = await member();
    await page.goto(`${url}/keys`);
    await page.getByLabel('Name of the new key').fill('nightly');
    await page.getByRole('button', { name: 'Create key' }).click();
    const key = (await page.locator('.secret code').textContent()) ?? '';
    expect((await cloud.store.tokens.authenticate(key))?.user.name).toBe('Ada Lovelace');
    await page.goto(`${url}/keys`);
    expect(await page.content()).not.toContain(key);
    await page.goto(`${url}/members`);
    await page.getByRole('button', { name: 'Create link' }).click();
    const link = (await page.locator('.secret code').textContent()) ?? '';
    const guest = await visitor();
    await guest.goto(link);
    await guest.getByLabel('Your name').fill('Dorothy Vaughan');
    await guest.getByLabel('Email').fill('dorothy@example.com');
    await guest.getByLabel('Password').fill('a few words are good');
    await guest.getByRole('button', { name: 'Create account' }).click();
    await guest.getByRole('heading', { name: 'Intercepts', level: 1 }).waitFor();
  });

  it('leads a browser over sign-in into a private preview, which sees nothing else', async () => {
    const previews = await cloud.store.previews.list(seeded.owner.organisation.id);
    const at = (name: string) => {
      const preview = previews.find(({ intercept }) => intercept.name === name);
      return `http://${preview?.label}.${cloud.config.preview.domain}${cloud.config.preview.port}`;
    };
    const page = await visitor();
    await page.goto(`${at('verylargejavaservice')}/set?deep=1`);
    await page.getByText('private to its organisation').waitFor();
    await signIn(page, 'grace.hopper@example.com');
    await page.getByRole('heading', { name: 'Hello from' }).waitFor();
    expect(page.url()).toBe(`${at('verylargejavaservice')}/set?deep=1`);
    expect(await page.evaluate('document.cookie.split("; ").sort().join()')).toBe('app=1,wide=1');
    const reach = (target: string) =>
      page.evaluate(`fetch(${JSON.stringify(target)}, { credentials: 'include' }).then((answer) => answer.text(), () => 'refused')`);
    expect(await reach(`${url}/api/v1/me`)).toBe('refused');
    expect(await reach(`${url}/members`)).toBe('refused');
    expect(await reach(`${at('checkout')}/`)).toBe('refused');
    expect(await page.evaluate('fetch("/").then((answer) => answer.status)')).toBe(200);
    const framed = await page.evaluate(
      `new Promise((resolve) => { const frame = document.createElement('iframe'); frame.src = ${JSON.stringify(`${at('checkout')}/`)}; frame.onload = () => { try { resolve(frame.contentDocument?.title ?? 'no document') } catch { resolve('refused') } }; document.body.append(frame) })`,
    );
    expect(framed).not.toBe('the app');
    await page.goto(`${at('checkout')}/`);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it.each([
    { colorScheme: 'light', width: 1440, axe: true },
    { colorScheme: 'dark', width: 360, axe: true },
    { colorScheme: 'light', width: 768, axe: false },
  ] as const)('axe finds nothing, and nothing is wider than the page: $colorScheme, $width px', async ({ colorScheme, width, axe }) => {
    const page = await visitor({ colorScheme, viewport: { width, height: 800 } });
    const found: string[] = [];
    const look = async () => {
      if (axe) found.push(...(await axeFindings(page)));
      if ((await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')) === true)
        found.push(`${page.url()} is too wide`);
    };
    await page.goto(`${url}/sign-in`);
    await look();
    await signIn(page);
    await page.getByText('Live', { exact: true }).waitFor();
    await look();
    for (const path of ['/visits', '/clusters', '/members', '/keys', '/audit', '/organisations/new', `/intercepts/${seeded.intercepts[0]?.uid}`, '/nowhere']) {
      await page.goto(url + path);
      await look();
    }
    await page.goto(`http://${'a'.repeat(26)}.${cloud.config.preview.domain}${cloud.config.preview.port}/`);
    await look();
    expect(found).toEqual([]);
  });

  it('lets the keyboard skip the menus', async () => {
    const page = await member();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
  });
});

/** A cloud on a free port, with what tests need to act as its first administrator. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Hono } from 'hono';
import { createLog, silentLog } from '../../base/log.ts';
import { type RunningCloud, startCloud } from '../cloud.ts';
import { type CloudConfig, parseCloudConfig } from '../config.ts';
import type { PreviewProxy } from '../context.ts';
import type { CloudEnv } from '../http/environment.ts';
import { signedIn } from '../http/sessions.ts';
import { refuseUpgrade } from '../link/upgrade.ts';
import { plainPages } from '../plain-pages.ts';
import { Browser, field } from './browser.ts';

export const PASSWORD = 'correct horse battery';

export interface CloudFixture extends AsyncDisposable {
  url: string;
  config: CloudConfig;
  cloud: RunningCloud;
  clock: { now: number };
  /** Every line that was logged. */
  logged: string[];
  /** A browser whose user is the owner of the first organisation. */
  administrator(): Promise<Browser>;
  browser(address?: string): Browser;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const noPreviews = (): PreviewProxy => ({
  routes: new Hono<CloudEnv>(),
  request: (_request, response) => {
    response.statusCode = 503;
    response.end();
  },
  upgrade: (_request, socket) => refuseUpgrade(socket, 503),
  close: () => {},
});

export async function startTestCloud(options: { settings?: Record<string, unknown>; database?: string } = {}): Promise<CloudFixture> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloud-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const config = parseCloudConfig(
    { url, listen: `127.0.0.1:${port}`, behindProxy: true, ...(options.database === undefined ? {} : { database: options.database }), ...options.settings },
    { dataDir: folder },
  );
  const clock = { now: Date.now() };
  const logged: string[] = [];
  const log =
    process.env['CLOUD_TEST_LOG'] === undefined ? createLog((line) => logged.push(line), 'trace') : createLog((line) => process.stderr.write(line), 'trace');
  const cloud = await startCloud({
    config,
    log: log ?? silentLog,
    pages: plainPages,
    dashboard: (context) => new Hono<CloudEnv>().get('/', signedIn(context) as never, (c) => c.text(`dashboard of ${c.get('session')?.user.name}`)),
    preview: noPreviews,
    now: () => clock.now,
  });
  let administrator: Browser | undefined;
  return {
    url: config.url,
    config,
    cloud,
    clock,
    logged,
    browser: (address) => new Browser(config.url, address),
    async administrator() {
      if (administrator !== undefined) return administrator;
      const browser = new Browser(config.url);
      const link = cloud.firstAdministrator ?? '';
      const page = await browser.get(link);
      const answer = await browser.post(`${link}/account`, {
        csrf: field(page.text, 'csrf'),
        organisation: 'ACME',
        name: 'Ada',
        email: 'ada@example.com',
        password: PASSWORD,
      });
      if (answer.status !== 303) throw new Error(`no administrator: ${answer.status} ${answer.text}`);
      administrator = browser;
      return browser;
    },
    async [Symbol.asyncDispose]() {
      await cloud.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

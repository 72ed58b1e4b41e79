import { CodedError } from '../../base/errors.ts';
import type { CloudLogin } from '../../protocol/daemon-api.ts';
import { openBrowser } from '../browser.ts';
import type { CommandSpec, Context } from '../command.ts';
import { ensureDaemon } from '../launch.ts';

/** A browser that was started may still show nothing: after this long the address is printed too. */
export const BROWSER_HINT_MS = 10_000;

export const command: CommandSpec = {
  name: 'login',
  summary: 'Log in to the cloud',
  flags: [
    { flags: '--apikey <key>', description: 'API key instead of a browser' },
    { flags: '--cloud-url <url>', description: 'address of the cloud; default: cloud.url of the config file, else the one of the connected cluster' },
  ],
  run: login,
};

async function login(context: Context): Promise<number> {
  const { options, output, call } = context;
  const apikey = options.text('apikey');
  const url = options.text('cloud-url');
  if (apikey === '') throw new CodedError('TP-USAGE', '--apikey is empty.');
  await ensureDaemon(context);
  const where = url === undefined ? {} : { url };
  const done = apikey === undefined ? await byBrowser(context, where) : await call('login', { ...where, apikey });
  if (done.url.startsWith('http:') && !/^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/.test(done.url)) {
    output.warn(`${done.url} is not https: whoever is on the way to it can read the login.`);
  }
  await output.result(done, 'Login successful.');
  return 0;
}

async function byBrowser(context: Context, where: { url?: string }): Promise<CloudLogin> {
  const { io, output, call } = context;
  const { id, authorizeUrl } = await call('loginStart', where);
  output.line('Launching browser authentication flow...');
  const show = (text: string): void => void io.stderr.write(`${text}\n  ${authorizeUrl}\n`);
  const opened = await openBrowser(io, authorizeUrl);
  if (!opened) show('No browser could be started here. Open this address in one on this machine:');
  const hint = setTimeout(() => show('If no browser has opened, open this address in one:'), BROWSER_HINT_MS);
  if (!opened) clearTimeout(hint);
  try {
    return await call('loginFinish', { id });
  } finally {
    clearTimeout(hint);
  }
}

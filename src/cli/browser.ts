/** Opening the user's browser, where there is one. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { CliIo } from './cli-io.ts';

/** Whether something was started. That a window appeared, nobody can know. */
export async function openBrowser(io: CliIo, url: string): Promise<boolean> {
  const { env } = io;
  try {
    const wanted = env['BROWSER'];
    if (wanted !== undefined && wanted !== '' && !wanted.includes('%s')) return await start(wanted, [url], env);
    if (!hasDesktop(env)) return false;
    const { default: open } = await import('open');
    const child = await open(url);
    child.on('error', () => undefined);
    return true;
  } catch {
    // the caller shows the address instead
    return false;
  }
}

function start(command: string, args: string[], env: Record<string, string>): Promise<boolean> {
  const child = spawn(command, args, { detached: true, stdio: 'ignore', env });
  child.unref();
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
  });
}

/** On Linux a display is needed; on WSL the browser is Windows'. */
function hasDesktop(env: Record<string, string>): boolean {
  if (process.platform !== 'linux') return true;
  if (env['SSH_CONNECTION'] !== undefined && env['DISPLAY'] === undefined) return false;
  return (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== '' || isWsl();
}

function isWsl(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/osrelease', 'utf8').toLowerCase().includes('microsoft');
  } catch {
    return false;
  }
}

/** The cloud as a program: settings in, a listener until it is told to stop. */
import type { Log } from '../base/log.ts';
import { startCloud } from './cloud.ts';
import { loadCloudConfig } from './config.ts';
import { createDashboard, dashboardPages } from './dashboard/index.ts';
import { createPreviewProxy } from './preview/index.ts';

/**
 * Runs until `signal` is aborted (SIGTERM), then drains. Rejects when it could not start. `print` is for the operator's eyes: the
 * one-time link goes there and not to the log, which others may keep.
 */
export async function main(options: { env: Record<string, string | undefined>; log: Log; signal: AbortSignal; print: (text: string) => void }): Promise<void> {
  const { log, signal, print } = options;
  const config = await loadCloudConfig(options.env);
  log.setLevel(config.logLevel);
  const cloud = await startCloud({ config, log, pages: dashboardPages, dashboard: createDashboard, preview: createPreviewProxy });
  print(`The dashboard is at ${config.url}; previews are below ${config.preview.domain}${config.preview.port}.\n`);
  if (cloud.firstAdministrator !== undefined) print(`Nobody has an account yet. The first administrator opens, once:\n\n  ${cloud.firstAdministrator}\n\n`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  log.info('stopping');
  await cloud.close();
}

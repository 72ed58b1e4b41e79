/**
 * The sidecar: takes its workload's ports, splices their connections to the app, and sends those that an intercept takes to a manager
 * that holds the workstation's tunnel. While there is no manager, or no workstation, the app answers.
 */
import type { Log } from '../base/log.ts';
import { Agent } from './agent.ts';
import { readSettings } from './settings.ts';

/** Runs until `signal` aborts, then drains. Rejects when the environment is not valid or a port is in use. */
export async function main(options: { env: Record<string, string | undefined>; log: Log; signal: AbortSignal }): Promise<void> {
  const { env, log, signal } = options;
  const settings = readSettings(env);
  log.setLevel(settings.logLevel);
  const agent = await Agent.start({ settings, env, log });
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('draining');
  await agent.drain();
}

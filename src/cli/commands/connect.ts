import { CodedError, codeOf } from '../../base/errors.ts';
import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec, Context } from '../command.ts';
import { CONNECT_FLAGS, KUBE_FLAGS } from '../flags.ts';
import { ensureDaemon, ensureNetd } from '../launch.ts';
import { runChild } from '../run-child.ts';

/** How long undoing may take when a `connect` failed or was interrupted. */
export const UNDO_TIMEOUT_MS = 5000;

export const command: CommandSpec = {
  name: 'connect',
  summary: 'Connect to a cluster',
  flags: [...CONNECT_FLAGS, ...KUBE_FLAGS],
  passthrough: 'command to run while connected',
  run: connect,
};

async function connect(context: Context): Promise<number> {
  const { output } = context;
  let ours = false;
  const params = clusterParams(context);
  if (context.passthrough?.length === 0) throw new CodedError('TP-USAGE', 'There is no command behind --.');
  let announced = false;
  const announce = () => {
    if (announced) return;
    announced = true;
    output.line('Launching Telepresence Daemon');
    output.line('...');
  };
  const launched = { daemon: false, netd: false };
  try {
    launched.daemon = await ensureDaemon(context, announce);
    const netd = await ensureNetd(context, () => {
      launched.netd = true;
      announce();
    });
    const result = await context.call('connect', params, netd === undefined ? {} : { signal: AbortSignal.any([context.signal, netd.died]) });
    netd?.stop();
    ours = result.state === 'connected';
    const where = `connected to context ${result.context} (${result.server})`;
    await output.result(result, result.state === 'already' ? `Already ${where}` : `C${where.slice(1)}`);
  } catch (error) {
    await undo(context, launched);
    throw error;
  }
  if (context.passthrough === undefined) return 0;
  try {
    return await runChild(context.passthrough, context.io.env, context.io);
  } finally {
    // A connection that was there before stays.
    if (ours) await context.call('disconnect', {}, { signal: AbortSignal.timeout(UNDO_TIMEOUT_MS) });
  }
}

/** What this very command started is ended again; what was there before is left alone. */
async function undo(context: Context, launched: { daemon: boolean; netd: boolean }): Promise<void> {
  if (!launched.daemon && !launched.netd) return;
  try {
    await context.call(launched.daemon ? 'quit' : 'disconnect', {}, { signal: AbortSignal.timeout(UNDO_TIMEOUT_MS) });
  } catch (error) {
    if (codeOf(error) !== 'TP-DAEMON-NOT-RUNNING') context.output.warn(`the daemon that was started could not be ended again: ${String(error)}`);
  }
}

/** The cluster's process, inside of its namespaces. */
import { createLog } from '../../base/log.ts';
import { startSandbox } from '../main.ts';
import { serveControl } from './control-server.ts';
import type { Host } from './host.ts';
import { files } from './state.ts';

/** Ends with its channel to the supervisor, or when it is told to. */
export async function runInside(folder: string, { process, program }: Host): Promise<number> {
  const log = createLog((line) => process.stderr.write(line), process.env['TELEPRESENCE_SANDBOX_DEBUG'] === undefined ? 'info' : 'debug');
  const stop = new AbortController();
  process.on('disconnect', () => process.exit(1));
  // what was started so far would keep a start that failed from ending
  const sandbox = await startSandbox({
    log,
    folder,
    env: process.env,
    execPath: process.execPath,
    spawner: [...process.execArgv, program, 'spawner'],
    signal: stop.signal,
  }).catch((error: unknown) => {
    log.error('the sandbox did not start', { error });
    return process.exit(1);
  });
  const stopped = Promise.withResolvers<void>();
  await serveControl(sandbox, files(folder).control, log, stopped.resolve);
  process.send?.('ready');
  await stopped.promise;
  await sandbox.close();
  return process.exit(0);
}

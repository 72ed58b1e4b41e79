/** The cluster's process, inside of its namespaces. */
import { createLog } from '../../base/log.ts';
import type { Certificates } from '../certificates.ts';
import { startSpawner } from '../node/runtime/spawner.ts';
import { serveControl } from './control-server.ts';
import type { Host } from './host.ts';
import { files } from './state.ts';
import type { UpOptions } from './up-options.ts';

/** Ends with its channel to the supervisor, or when it is told to. */
export async function runInside(folder: string, options: UpOptions, { process, program }: Host): Promise<number> {
  const log = createLog((line) => process.stderr.write(line), process.env['TELEPRESENCE_SANDBOX_DEBUG'] === undefined ? 'info' : 'debug');
  const stop = new AbortController();
  const certificates = new Promise<Certificates>((resolve) => process.once('message', (message) => resolve(message as Certificates)));
  process.on('disconnect', () => process.exit(1));
  // beside the loading of all the rest, which takes as long
  const spawner = startSpawner({ log: log.child('spawner'), execPath: process.execPath, argv: [...process.execArgv, program, 'spawner'] });
  const starting = import('../main.ts').then(({ startSandbox }) =>
    startSandbox({ log, folder, env: process.env, spawner, certificates, signal: stop.signal, ...options }),
  );
  const sandbox = await starting.catch((error: unknown) => {
    // what was started so far would keep it from ending
    log.error('the sandbox did not start', { error });
    return process.exit(1);
  });
  // nobody would start a container again, nor know of one that ends
  (await spawner).died.catch((error: unknown) => {
    log.error('the sandbox ends', { error });
    process.exit(1);
  });
  const stopped = Promise.withResolvers<void>();
  await serveControl(sandbox, files(folder).control, log, stopped.resolve);
  process.send?.('ready');
  await stopped.promise;
  await sandbox.close();
  return process.exit(0);
}

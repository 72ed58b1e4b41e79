/** netd: `--socket PATH [--log FILE]`. Started by sudo; stays in the foreground. As a worker thread it is the packet pump. */
import { constants, fchownSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

if (isMainThread) {
  const [{ CodedError }, { createLog }, { main }] = await Promise.all([
    import('../src/base/errors.ts'),
    import('../src/base/log.ts'),
    import('../src/netd/main.ts'),
  ]);
  let write = (line: string): void => void process.stderr.write(line);
  try {
    const { values } = parseArgs({ options: { socket: { type: 'string' }, log: { type: 'string' } } });
    if (values.socket === undefined)
      throw new CodedError('TP-USAGE', 'netd needs --socket PATH.', { help: 'The `telepresence` command starts netd; it is not run by hand.' });
    const uid = process.getuid?.() ?? -1;
    if (values.log !== undefined && uid === 0) {
      // The folder is the user's: a link there must not make root write elsewhere, and the user must be able to read the log.
      const file = openSync(values.log, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      if (process.env['SUDO_UID'] !== undefined) fchownSync(file, Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID']));
      write = (line) => void writeSync(file, line);
    }
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
    await main({
      socket: values.socket,
      log: createLog(write, 'info', 'netd'),
      uid,
      pid: process.pid,
      workerUrl: new URL(import.meta.url),
      signal: controller.signal,
    });
    process.exitCode = 0;
  } catch (thrown) {
    const error = CodedError.from(thrown);
    process.stderr.write(`${error.code}: ${error.message}\n${error.help}\n`);
    write(`${new Date().toISOString()} error netd: ${error.code}: ${error.message}\n`);
    process.exitCode = 1;
  }
} else {
  const { runPump } = await import('../src/netd/pump.ts');
  runPump(workerData, (event) => parentPort?.postMessage(event));
}

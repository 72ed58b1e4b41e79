/** A folder of `--state` is one sandbox's at a time: two would write over each other. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, codeOf } from '../../base/errors.ts';
import { alive } from './state.ts';

/** @returns what gives it back. @throws TP-SANDBOX-START while another has it */
export async function claimState(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'user.pid');
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return () => rm(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const other = Number(
      await readFile(file, 'utf8').catch((error: unknown) => {
        // given back meanwhile
        if (codeOf(error) === 'ENOENT') return process.pid;
        throw error;
      }),
    );
    if (other !== process.pid && alive(other)) throw new CodedError('TP-SANDBOX-START', `Another sandbox (pid ${other}) uses ${folder}.`);
    await rm(file, { force: true });
  }
}

/** The folder of a run, at its end. */
import { rmSync } from 'node:fs';

/** What can't be removed is said, and changes nothing: how the tests went is known by then. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    process.stderr.write(`${folder} could not be removed: ${String(error)}\n`);
  }
}

import { readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The file behind a path inside `root`, links followed inside it; nothing is made. */
export async function findIn(root: string, path: string): Promise<string> {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? '';
  let at = root;
  for (const part of parts) {
    const to = await readlink(join(at, part)).catch(() => undefined);
    at = to === undefined ? join(at, part) : to.startsWith('/') ? join(root, to) : join(at, to);
  }
  const last = join(at, name);
  const to = await readlink(last).catch(() => undefined);
  return to === undefined ? last : to.startsWith('/') ? join(root, to) : join(dirname(last), to);
}

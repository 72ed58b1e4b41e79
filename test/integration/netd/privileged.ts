/**
 * Where tests make network namespaces: root does it in the machine's own, anybody else as the root of a user namespace, with a network and a
 * /run (the place of the namespaces' names) of its own. It ends with this process.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { withSystemFolders } from '../../../src/base/system-path.ts';

const PREPARE = 'mount -t tmpfs tmpfs /run && ip link set lo up && nft list tables && echo ready && exec cat';
const USER_NAMESPACE = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', PREPARE];

/** The environment of everything that is run there. */
export const environment = { ...process.env, PATH: withSystemFolders(process.env['PATH']) };

/** Neither root nor a user to whom this machine gives namespaces. */
export const unprivileged = process.getuid?.() !== 0 && spawnSync('unshare', USER_NAMESPACE, { env: environment, input: '' }).status !== 0;

let way: Promise<string[]> | undefined;

async function wayInto(): Promise<string[]> {
  if (process.getuid?.() === 0) return [];
  const holder = spawn('unshare', USER_NAMESPACE, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  holder.unref();
  const { pid } = holder;
  return ['nsenter', `--user=/proc/${pid}/ns/user`, `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, '--preserve-credentials'];
}

/** The command that runs `program` there. */
export async function there(program: string, args: readonly string[]): Promise<[string, string[]]> {
  way ??= wayInto();
  const [command = '', ...rest] = [...(await way), program, ...args];
  return [command, rest];
}

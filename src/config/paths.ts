/**
 * Where the programs of the workstation keep their files. Pure: `ensureClientDirs` alone touches the disk.
 */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, messageOf } from '../base/errors.ts';

/** `sun_path` of Linux holds 108 bytes with its closing zero. */
export const UNIX_SOCKET_PATH_LIMIT = 107;
const LONGEST_SOCKET_NAME = 'daemon.sock';

export interface ClientPaths {
  configFile: string;
  cacheDir: string;
  logDir: string;
  socketDir: string;
  daemonSocket: string;
  netdSocket: string;
  /** A random id of this workstation, made once. */
  installIdFile: string;
  /** The login: address, token, who. It is there exactly while the user is logged in. */
  cloudFile: string;
  /** Answers to the ingress dialog, by cluster. */
  ingressesFile: string;
}

/** An XDG folder counts only when it is absolute (XDG Base Directory Specification). */
function absolute(value: string | undefined): string | undefined {
  return value?.startsWith('/') === true ? value : undefined;
}

/** The paths for a user's environment: the CLI and the daemon compute the same ones from the same environment. */
export function clientPaths(env: Readonly<Record<string, string | undefined>>): ClientPaths {
  const home = absolute(env.HOME) ?? '/';
  const cacheDir = join(absolute(env.XDG_CACHE_HOME) ?? join(home, '.cache'), 'telepresence');
  const configDir = join(absolute(env.XDG_CONFIG_HOME) ?? join(home, '.config'), 'telepresence');
  const runtime = absolute(env.XDG_RUNTIME_DIR);
  const socketDir = shortEnough(runtime === undefined ? join(cacheDir, 'run') : join(runtime, 'telepresence'));
  return {
    configFile: join(configDir, 'config.yml'),
    cacheDir,
    logDir: join(cacheDir, 'logs'),
    socketDir,
    daemonSocket: join(socketDir, LONGEST_SOCKET_NAME),
    netdSocket: join(socketDir, 'netd.sock'),
    installIdFile: join(cacheDir, 'install-id'),
    cloudFile: join(cacheDir, 'cloud.json'),
    ingressesFile: join(cacheDir, 'ingresses.json'),
  };
}

/** A folder too deep for a socket is replaced by one in /tmp that is named after it; {@link ensureClientDirs} checks whose it is. */
function shortEnough(dir: string): string {
  if (Buffer.byteLength(join(dir, LONGEST_SOCKET_NAME)) <= UNIX_SOCKET_PATH_LIMIT) return dir;
  return `/tmp/telepresence-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`;
}

/**
 * Makes the folders (0700) and checks that the sockets' folder belongs to `uid` alone: in /tmp somebody else could have made it first.
 * Throws TP-DAEMON-START.
 */
export async function ensureClientDirs(paths: ClientPaths, uid: number): Promise<void> {
  for (const dir of [paths.cacheDir, paths.logDir, paths.socketDir]) {
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new CodedError('TP-DAEMON-START', `The folder ${dir} can't be made: ${messageOf(error)}.`, {
        help: 'Make it writable for you, or set XDG_CACHE_HOME and XDG_RUNTIME_DIR.',
        cause: error,
      });
    }
  }
  const stat = await lstat(paths.socketDir);
  if (!stat.isDirectory() || stat.uid !== uid) {
    throw new CodedError('TP-DAEMON-START', `${paths.socketDir} does not belong to you (uid ${uid}).`, {
      help: 'Remove it, or set XDG_RUNTIME_DIR to a folder of your own.',
    });
  }
  if ((stat.mode & 0o077) !== 0) await chmod(paths.socketDir, 0o700);
}

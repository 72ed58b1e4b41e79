import { spawnSync } from 'node:child_process';
import { withSystemFolders } from '../../../src/base/system-path.ts';

const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

/** This machine gives namespaces with rules of nftables, to root or to an ordinary user who is root in there. */
export const sandboxPossible =
  spawnSync('unshare', [...user, '--net', '--mount', '--pid', '--fork', 'nft', 'list', 'tables'], {
    env: { ...process.env, PATH: withSystemFolders(process.env['PATH']) },
  }).status === 0;

/**
 * Giving up what root has beyond need. Kept is one capability: CAP_NET_ADMIN, for the TUN's link, addresses and
 * routes and for nftables. Linux holds capabilities per thread: this one, the children it starts and the threads it
 * starts later lose them; V8's own threads, which run no code of ours, keep theirs.
 */
import { CodedError } from '../base/errors.ts';
import type { Libc } from './libc.ts';

const CAP_NET_ADMIN = 12;
const LAST_CAPABILITY = 63;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const CAPABILITY_VERSION_3 = 0x20080522;

/** Call when everything that needs more (the daemon's 0600 socket in a user's folder, the log file) is open. */
export function keepOnlyNetAdmin(libc: Libc): void {
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    // Fails for numbers beyond the kernel's last one, which is harmless.
    if (capability !== CAP_NET_ADMIN) libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0);
  const data = Buffer.alloc(24);
  // Effective and permitted; inheritable stays empty: children of uid 0 get the bounding set.
  data.writeUInt32LE(1 << CAP_NET_ADMIN, 0);
  data.writeUInt32LE(1 << CAP_NET_ADMIN, 4);
  if (libc.capset(header, data) < 0 || libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
    throw new CodedError('TP-NETD-FAILED', `netd could not give up its other rights (errno ${libc.errno()}).`);
  }
}

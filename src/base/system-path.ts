/** Where programs such as `ip`, `nft` and `nsenter` are. Debian leaves some of these folders out of an ordinary user's PATH. */
export const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

/** A PATH that has these folders too, behind its own. */
export function withSystemFolders(searched: string | undefined): string {
  return [...new Set([...(searched ?? '').split(':').filter((folder) => folder !== ''), ...SYSTEM_PATH.split(':')])].join(':');
}

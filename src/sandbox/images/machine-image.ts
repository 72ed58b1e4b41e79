import type { StoredImage } from './stored-image.ts';

/** A program of this machine: the root is the machine's own, read-only. */
export const MACHINE_IMAGE = 'sandbox.local/machine:1';

/** What the machine's own programs run with. */
export function machineImage(env: Readonly<Record<string, string | undefined>>): StoredImage {
  return { reference: MACHINE_IMAGE, id: `sha256:${'0'.repeat(64)}`, config: { Env: [`PATH=${env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`] } };
}

/**
 * The Node that runs the tests, for programs in containers of the machine's own root: those have a /tmp of their own, so that a Node of a
 * checkout below /tmp must be mounted into it.
 */
import path from 'node:path';

const folder = path.dirname(process.execPath);
const hidden = folder.startsWith('/tmp/');

/** For the spawner. */
export const NODE_MOUNTS = hidden ? [{ kind: 'bind' as const, source: folder, target: folder, readOnly: true }] : [];
/** For a container of a pod, whose spec has {@link NODE_VOLUMES}. */
export const NODE_VOLUME_MOUNTS = hidden ? [{ name: 'node', mountPath: folder, readOnly: true }] : [];
export const NODE_VOLUMES = hidden ? [{ name: 'node', hostPath: { path: folder } }] : [];

/**
 * Installing the traffic-manager: its objects rendered from values, applied by server-side apply, watched until they work, and taken
 * away again. `deploy/chart` renders the same objects with Helm; a test compares the two.
 */
export type { ImageWishes } from './image-name.ts';
export { type InstallOptions, installManager, upgradeManager } from './install.ts';
export type { KubeObject } from './kube-object.ts';
export { mergeValues, parseSetting } from './merge-values.ts';
export { type RenderOptions, renderManifests } from './render.ts';
export { type InstalledManager, type ManagerStatus, managerStatus } from './status.ts';
export { type UninstallOptions, uninstallManager } from './uninstall.ts';
export { parseValues, type Values, type ValuesInput } from './values.ts';

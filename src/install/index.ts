/**
 * Installing the traffic-manager: its objects rendered from values, applied by server-side apply, watched until they work, and taken
 * away again. `deploy/chart` renders the same objects with Helm; a test compares the two.
 */
export { type ImageWishes, imageName, LOCAL_IMAGE, splitImage, withImageWishes } from './image-name.ts';
export type { KubeObject } from './kube-object.ts';
export { mergeValues, parseSetting, readValues } from './merge-values.ts';
export { renderManifests, type RenderOptions } from './render.ts';
export { parseValues, type Values, type ValuesInput } from './values.ts';
export { type InstallOptions, installManager, upgradeManager } from './install.ts';
export { type RolloutOptions, waitForManager } from './rollout.ts';
export { type InstalledManager, type ManagerStatus, managerStatus } from './status.ts';
export { type UninstallOptions, uninstallManager } from './uninstall.ts';

/** The files that say nothing on a sandbox, each with the reason. All others run on both. */
export const NEEDS_REAL_CLUSTER: Record<string, string> = {};

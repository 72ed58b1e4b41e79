/** The files that `npm test` does not run on a sandbox, each with the reason. All others run on both. */
export const NEEDS_REAL_CLUSTER: Record<string, string> = {
  'faults-manager.test.ts': 'kills the parts of a cluster one by one: a sandbox is one process',
};

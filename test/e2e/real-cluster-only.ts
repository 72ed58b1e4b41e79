/** The files that `npm test` does not run on a sandbox, each with the reason. All others run on both. */
const COMPARES = 'compares times and lost requests with those of a plain restart';

export const NEEDS_REAL_CLUSTER: Record<string, string> = {
  'cloud-faults.test.ts': 'needs PostgreSQL and minutes',
  'faults-manager.test.ts': 'kills the parts of a cluster one by one: a sandbox is one process',
  'faults.test.ts': COMPARES,
  'long-streams.test.ts': 'holds streams for five minutes',
  'preview-load.test.ts': 'sends 100,000 requests',
  'rollout-alone.test.ts': COMPARES,
  'rollout-borders.test.ts': COMPARES,
  'rollout-costly.test.ts': COMPARES,
  'rollout-shapes.test.ts': COMPARES,
  'rollout-uninstall.test.ts': COMPARES,
  'rollout.test.ts': COMPARES,
};

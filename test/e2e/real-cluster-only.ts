/** The files that `npm test` does not run on a sandbox, each with the reason. All others run on both. */
const COMPARES = 'compares times and lost requests with those of a plain restart';

export const NEEDS_REAL_CLUSTER: Record<string, string> = {
  'faults-manager.test.ts': 'kills the parts of a cluster one by one: a sandbox is one process',
  'faults.test.ts': COMPARES,
  'rollout-alone.test.ts': COMPARES,
  'rollout-borders.test.ts': COMPARES,
  'rollout-costly.test.ts': COMPARES,
  'rollout-shapes.test.ts': COMPARES,
  'rollout-uninstall.test.ts': COMPARES,
  'rollout.test.ts': COMPARES,
  'seed-guide-preview.test.ts': 'needs the ingress controller that comes with the test cluster, and Chromium',
};

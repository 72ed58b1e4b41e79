/** The files that `npm test` does not run on a sandbox, each with the reason. All others run on both. */
const COMPARES = 'compares times and lost requests with those of a plain restart';

export const NEEDS_REAL_CLUSTER: Record<string, string> = {
  'faults-manager.test.ts': 'kills the parts of a cluster one by one: a sandbox is one process',
  'faults.test.ts': COMPARES,
  'long-streams.test.ts': 'holds streams for five minutes',
  'preview-load.test.ts': 'sends 100,000 requests',
  'rollout-costly.test.ts': COMPARES,
  'seed-guide-preview.test.ts': 'needs the ingress controller that comes with the test cluster, and Chromium',
};

import type { Unbuilt } from './unbuilt.ts';

/** What belonged to the licences of the original's cloud. */
export const cloud: Unbuilt[] = [
  ['current-cluster-id', 'refused', 'Id of the cluster, for a licence'],
  [
    'license',
    'refused',
    'Licence of an air-gapped cluster',
    ['-d, --host-domain <domain>', '-f, --license-file <file>', '-i, --id <id>', '-o, --output-file <file>'],
  ],
];

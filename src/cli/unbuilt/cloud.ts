import type { Unbuilt } from './unbuilt.ts';

/** Commands of 2.0 to 2.14 that need a cloud, and what belonged to its licences. */
export const cloud: Unbuilt[] = [
  ['current-cluster-id', 'refused', 'Id of the cluster, for a licence'],
  ['dashboard', 'planned', 'Open the dashboard in a browser'],
  [
    'license',
    'refused',
    'Licence of an air-gapped cluster',
    ['-d, --host-domain <domain>', '-f, --license-file <file>', '-i, --id <id>', '-o, --output-file <file>'],
  ],
  ['login', 'planned', 'Log in to the cloud', ['--apikey <key>']],
  ['logout', 'planned', 'Log out of the cloud'],
  ['preview create', 'planned', 'Make a preview URL for an intercept'],
  ['preview remove', 'planned', 'Remove the preview URL of an intercept'],
];

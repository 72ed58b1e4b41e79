/** What the outside must know of the cluster without loading it. */
import { SANDBOX_NETWORK } from '../contract.ts';

export const INSIDE_SERVER = `https://${SANDBOX_NETWORK.node}:${SANDBOX_NETWORK.apiPort}`;
export const ADMINISTRATORS = 'system:masters';

/** All that is typed at a cluster. */
import type { KubectlScene } from '../scene.ts';
import { APPLY_SCENES } from './applying.ts';
import { CLUSTER_SCENES } from './cluster.ts';
import { GENERATOR_SCENES } from './generators.ts';
import { KIND_SCENES } from './kinds.ts';
import { READ_SCENES } from './reading.ts';
import { WORKLOAD_SCENES } from './workloads.ts';

export const KUBECTL_SCENES: KubectlScene[] = [...CLUSTER_SCENES, ...GENERATOR_SCENES, ...WORKLOAD_SCENES, ...APPLY_SCENES, ...READ_SCENES, ...KIND_SCENES];

/** What the API server says about the manager's Deployment and pods; only the fields that are looked at. */
import { z } from 'zod';
import { listOf } from '../kube/index.ts';

const condition = z.looseObject({ type: z.string(), status: z.string(), reason: z.string().optional(), message: z.string().optional() });

export const deploymentSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    generation: z.number().default(0),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({
    replicas: z.number().default(1),
    template: z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string(), image: z.string().default('') })) }) }),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().default(0),
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      readyReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
      conditions: listOf(condition),
    })
    .prefault({}),
});
export type DeploymentState = z.output<typeof deploymentSchema>;

const stateDetail = z.looseObject({ reason: z.string().optional(), message: z.string().optional(), exitCode: z.number().optional() });
const map = z.record(z.string(), z.string()).default({});
export const replicaSetSchema = z.looseObject({ metadata: z.looseObject({ labels: map, annotations: map }) });

export const podSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: map, deletionTimestamp: z.string().optional() }),
  status: z
    .looseObject({
      phase: z.string().optional(),
      conditions: listOf(condition),
      containerStatuses: listOf(
        z.looseObject({
          name: z.string(),
          image: z.string().default(''),
          restartCount: z.number().default(0),
          state: z.looseObject({ waiting: stateDetail.optional(), terminated: stateDetail.optional() }).default({}),
          lastState: z.looseObject({ terminated: stateDetail.optional() }).default({}),
        }),
      ),
    })
    .prefault({}),
});
export type PodState = z.output<typeof podSchema>;

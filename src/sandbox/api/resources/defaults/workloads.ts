/** What workloads have where nothing was said: the values that the API documents. */
import { type ApiObject, isObject, type JsonObject } from '../../object.ts';
import type { KindRules } from '../strategies.ts';
import { cronJobCauses, deploymentCauses, jobCauses, replicatedCauses, selectorUnchanged, statefulSetChangeCauses } from '../validate/workloads.ts';
import { fill, part } from './fill.ts';
import { fillTemplate } from './pods.ts';

/** `rolling`: the field that a strategy of the type RollingUpdate has beside it. */
function rules(values: JsonObject, strategy?: { field: string; rolling: JsonObject }): KindRules {
  return {
    defaults(object) {
      const spec = part(object, 'spec');
      fill(spec, values);
      fillTemplate(spec);
      if (strategy === undefined) return;
      fill(spec, { [strategy.field]: { type: 'RollingUpdate' } });
      const chosen = spec[strategy.field] as JsonObject;
      if (chosen['type'] === 'RollingUpdate') fill(chosen, { rollingUpdate: strategy.rolling });
    },
  };
}

const SHARE = '25%';
const JOB = { backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, podReplacementPolicy: 'TerminatingOrFailed', manualSelector: false };

function fillJob(spec: JsonObject): void {
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) fill(spec, { completions: 1, parallelism: 1 });
  fill(spec, { parallelism: 1, ...JOB });
  fillTemplate(spec);
}

/** Nobody else's pods are a Job's, whatever labels its template has. */
function chooseSelector({ metadata, spec }: ApiObject): void {
  if (!isObject(spec) || spec['manualSelector'] === true || !isObject(spec['template'])) return;
  const { uid, name } = metadata;
  const labels = part(part(spec['template'], 'metadata'), 'labels');
  Object.assign(labels, { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name });
  part(part(spec, 'selector'), 'matchLabels')['batch.kubernetes.io/controller-uid'] = uid;
}

const DAEMON_SET = rules({ revisionHistoryLimit: 10 }, { field: 'updateStrategy', rolling: { maxUnavailable: 1, maxSurge: 0 } });

/** By the name of the store's collection. */
export const WORKLOAD_RULES: Record<string, KindRules> = {
  'deployments.apps': {
    ...rules(
      { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
      { field: 'strategy', rolling: { maxUnavailable: SHARE, maxSurge: SHARE } },
    ),
    validate: deploymentCauses,
    validateUpdate: selectorUnchanged,
  },
  'replicasets.apps': { ...rules({ replicas: 1 }), validate: replicatedCauses('deployment'), validateUpdate: selectorUnchanged },
  'statefulsets.apps': {
    validate: replicatedCauses('statefulset'),
    validateUpdate: statefulSetChangeCauses,
    ...rules(
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
      { field: 'updateStrategy', rolling: { partition: 0 } },
    ),
  },
  'daemonsets.apps': {
    defaults(object) {
      DAEMON_SET.defaults?.(object);
      // Of a version of the API that is no more.
      fill(part(object.metadata, 'annotations'), { 'deprecated.daemonset.template.generation': '1' });
    },
    validate: replicatedCauses('daemonset'),
    validateUpdate: selectorUnchanged,
  },
  replicationcontrollers: rules({ replicas: 1 }),
  'jobs.batch': {
    defaults: (object) => fillJob(part(object, 'spec')),
    prepareCreate: chooseSelector,
    validate: jobCauses,
    validateUpdate: selectorUnchanged,
  },
  'cronjobs.batch': {
    validate: cronJobCauses,
    defaults(object) {
      const spec = part(object, 'spec');
      fill(spec, { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
      const template = spec['jobTemplate'];
      if (isObject(template)) fillTemplate(part(template, 'spec'));
    },
  },
};

/** What workloads must be: a selector that finds their own pods, and a way to roll that can go on. */
import { selectorMatches } from '../../../access/index.ts';
import { type Cause, forbiddenField, invalidValue, required, unsupported } from '../../errors.ts';
import { type ApiObject, equal, isObject, type JsonObject } from '../../object.ts';
import { labelsCauses } from '../../write/names.ts';
import { podSpecCauses } from './pods.ts';

const specOf = (object: ApiObject): JsonObject => (isObject(object['spec']) ? object['spec'] : {});

function replicasCauses({ replicas }: JsonObject): Cause[] {
  return typeof replicas === 'number' && replicas < 0 ? [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')] : [];
}

function templateCauses(spec: JsonObject, kind: string, restartPolicies: string[] | undefined): Cause[] {
  const { selector } = spec;
  const template = isObject(spec['template']) ? spec['template'] : {};
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const causes: Cause[] = [];
  if (!isObject(selector)) causes.push(required('spec.selector'));
  else if (Object.keys(selector).length === 0) causes.push(invalidValue('spec.selector', {}, `empty selector is invalid for ${kind}`));
  const wrong = isObject(selector) ? labelsCauses(selector['matchLabels'], 'spec.selector.matchLabels') : [];
  if (wrong.length > 0) return [...wrong, invalidValue('spec.selector', selector, 'invalid label selector')];
  const labels = isObject(metadata['labels']) ? (metadata['labels'] as Record<string, string>) : undefined;
  if (!isObject(selector) || (Object.keys(selector).length > 0 && !selectorMatches(selector, labels ?? {})))
    causes.push(invalidValue('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'));
  return [...causes, ...podSpecCauses(isObject(template['spec']) ? template['spec'] : {}, 'spec.template.spec', restartPolicies)];
}

function strategyCauses({ strategy }: JsonObject): Cause[] {
  if (!isObject(strategy)) return [];
  const { type, rollingUpdate } = strategy;
  if (type !== 'Recreate' && type !== 'RollingUpdate')
    return [unsupported('spec.strategy', { Type: type, RollingUpdate: rollingUpdate ?? null }, ['Recreate', 'RollingUpdate'])];
  if (!isObject(rollingUpdate)) return [];
  const none = (value: unknown) => value === 0 || value === '0%';
  if (none(rollingUpdate['maxSurge']) && none(rollingUpdate['maxUnavailable']))
    return [invalidValue('spec.strategy.rollingUpdate.maxUnavailable', rollingUpdate['maxUnavailable'], 'may not be 0 when `maxSurge` is 0')];
  return [];
}

const RUNS_ON = ['Always'];

export function deploymentCauses(object: ApiObject): Cause[] {
  const spec = specOf(object);
  return [...replicasCauses(spec), ...templateCauses(spec, 'deployment', RUNS_ON), ...strategyCauses(spec)];
}

export function replicatedCauses(kind: string): (object: ApiObject) => Cause[] {
  return (object) => [...replicasCauses(specOf(object)), ...templateCauses(specOf(object), kind, RUNS_ON)];
}

export const jobCauses = (object: ApiObject): Cause[] => templateCauses(specOf(object), 'job', undefined);

export function cronJobCauses(object: ApiObject): Cause[] {
  const { schedule, jobTemplate } = specOf(object);
  const job = isObject(jobTemplate) && isObject(jobTemplate['spec']) ? jobTemplate['spec'] : {};
  const template = isObject(job['template']) ? job['template'] : {};
  return [...scheduleCauses(schedule), ...podSpecCauses(isObject(template['spec']) ? template['spec'] : {}, 'spec.jobTemplate.spec.template.spec', undefined)];
}

const SCHEDULE_FIELDS = 5;

/** How many fields it has; what is in them is looked at by nobody, since CronJobs are not run. */
function scheduleCauses(schedule: unknown): Cause[] {
  if (typeof schedule !== 'string' || schedule === '') return [required('spec.schedule')];
  const fields = schedule.trim().split(/\s+/);
  if (schedule.startsWith('@') || fields.length === SCHEDULE_FIELDS) return [];
  return [invalidValue('spec.schedule', schedule, `expected exactly ${SCHEDULE_FIELDS} fields, found ${fields.length}: [${fields.join(' ')}]`)];
}

const STATEFUL_SET_CHANGES = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const STATEFUL_SET_WHY =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function statefulSetChangeCauses(object: ApiObject, old: ApiObject): Cause[] {
  const lasting = (spec: JsonObject) => Object.fromEntries(Object.entries(spec).filter(([key]) => !STATEFUL_SET_CHANGES.includes(key)));
  return equal(lasting(specOf(object)), lasting(specOf(old))) ? [] : [forbiddenField('spec', STATEFUL_SET_WHY)];
}

/** The selector of a workload is for ever. */
export function selectorUnchanged(object: ApiObject, old: ApiObject): Cause[] {
  const { selector } = specOf(object);
  return equal(selector, specOf(old)['selector']) ? [] : [invalidValue('spec.selector', selector ?? null, 'field is immutable')];
}

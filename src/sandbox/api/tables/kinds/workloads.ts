/** Workloads in tables: how many pods each wants and has. */
import { type ApiObject, at } from '../../object.ts';
import { age, type Column, integer, listAt, nameColumn, numberAt, selectorText, shortDuration, since, text, textAt, workloadColumns } from '../column.ts';

const TEMPLATE = ['spec', 'template'];
const SELECTOR = ['spec', 'selector'];
const wanted = (object: ApiObject) => numberAt(object, 'spec', 'replicas');
const count = (field: string) => (object: ApiObject) => numberAt(object, 'status', field);
const readyOfWanted = text('Ready', (object) => `${numberAt(object, 'status', 'readyReplicas')}/${wanted(object)}`);

function jobStatus(job: ApiObject): string {
  const is = (type: string) => listAt(job, 'status', 'conditions').some((one) => one['type'] === type && one['status'] === 'True');
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (is('Suspended')) return 'Suspended';
  if (is('FailureTarget')) return 'FailureTarget';
  return is('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completions(job: ApiObject): string {
  const done = numberAt(job, 'status', 'succeeded');
  const asked = at(job, 'spec', 'completions');
  if (typeof asked === 'number') return `${done}/${asked}`;
  const parallelism = numberAt(job, 'spec', 'parallelism');
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function duration(job: ApiObject): string {
  const start = textAt(job, 'status', 'startTime');
  if (start === '') return '';
  const end = textAt(job, 'status', 'completionTime');
  return end === '' ? since(start) : shortDuration(Date.parse(end) - Date.parse(start));
}

const replicaSet: Column[] = [
  nameColumn,
  integer('Desired', wanted),
  integer('Current', count('replicas')),
  integer('Ready', count('readyReplicas')),
  age,
  ...workloadColumns(TEMPLATE, SELECTOR),
];

export const workloadTables: Record<string, Column[]> = {
  'deployments.apps': [
    nameColumn,
    readyOfWanted,
    integer('Up-to-date', count('updatedReplicas')),
    integer('Available', count('availableReplicas')),
    age,
    ...workloadColumns(TEMPLATE, SELECTOR),
  ],
  'replicasets.apps': replicaSet,
  replicationcontrollers: replicaSet,
  'statefulsets.apps': [nameColumn, readyOfWanted, age, ...workloadColumns(TEMPLATE, undefined)],
  'daemonsets.apps': [
    nameColumn,
    integer('Desired', count('desiredNumberScheduled')),
    integer('Current', count('currentNumberScheduled')),
    integer('Ready', count('numberReady')),
    integer('Up-to-date', count('updatedNumberScheduled')),
    integer('Available', count('numberAvailable')),
    text('Node Selector', (object) => selectorText(at(object, 'spec', 'template', 'spec', 'nodeSelector'))),
    age,
    ...workloadColumns(TEMPLATE, SELECTOR),
  ],
  'jobs.batch': [
    nameColumn,
    text('Status', jobStatus),
    text('Completions', completions),
    text('Duration', duration),
    age,
    ...workloadColumns(TEMPLATE, SELECTOR),
  ],
  'cronjobs.batch': [
    nameColumn,
    text('Schedule', (object) => textAt(object, 'spec', 'schedule')),
    text('Timezone', (object) => textAt(object, 'spec', 'timeZone') || '<none>'),
    text('Suspend', (object) => (at(object, 'spec', 'suspend') === true ? 'True' : 'False')),
    integer('Active', (object) => listAt(object, 'status', 'active').length),
    text('Last Schedule', (object) => {
      const last = textAt(object, 'status', 'lastScheduleTime');
      return last === '' ? '<none>' : since(last);
    }),
    age,
    ...workloadColumns(['spec', 'jobTemplate', 'spec', 'template'], ['spec', 'jobTemplate', 'spec', 'selector']),
  ],
  'controllerrevisions.apps': [
    nameColumn,
    text('Controller', ({ metadata }) => {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
      if (owner === undefined) return '<none>';
      const [group] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
      return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group ?? ''}`}/${owner.name}`;
    }),
    integer('Revision', (object) => numberAt(object, 'revision')),
    age,
  ],
  'poddisruptionbudgets.policy': [
    nameColumn,
    text('Min Available', (object) => textAt(object, 'spec', 'minAvailable') || 'N/A'),
    text('Max Unavailable', (object) => textAt(object, 'spec', 'maxUnavailable') || 'N/A'),
    integer('Allowed Disruptions', count('disruptionsAllowed')),
    age,
  ],
};

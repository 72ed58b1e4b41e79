/** Jobs: pods until enough of them have succeeded. */
import type { JobCondition, JobStatus } from 'kubernetes-types/batch/v1.js';
import { backoff } from '../../base/retry.ts';
import type { ControllerContext } from './core/context.ts';
import { JOB_BACKOFF_FIRST_MS, JOB_BACKOFF_MAX_MS } from './core/limits.ts';
import { controllerOf } from './core/owners.ts';
import { createPod, deletePod, podFromTemplate, slowStart } from './core/pod-factory.ts';
import { isActive, isFinished, isReady, isTerminating } from './core/pods.ts';
import { createQueue } from './core/queue.ts';
import { canonical } from './core/template-hash.ts';
import { timestamp } from './core/time.ts';
import { JOBS, type Job, keyOf, PODS, type Pod, splitKey } from './core/types.ts';

const COMPONENT = 'job-controller';

type Verdict = { type: 'Complete' | 'Failed'; reason: string; message: string } | undefined;
/** What the published type of 1.30 does not know yet. */
type Status = JobStatus & { terminating?: number; ready?: number };

export function startJobs(context: ControllerContext): () => void {
  const jobs = context.cache(JOBS);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  jobs.onChange((now, old) => queue.add(keyOf(now ?? (old as Job))));
  pods.onChange((now, old) => {
    const pod = (now ?? old) as Pod;
    const owner = controllerOf(pod);
    if (owner?.kind === 'Job') queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });

  async function sync(key: string): Promise<void> {
    const job = jobs.get(...splitKey(key));
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const finished = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
    const mine = pods.ownedBy(job.metadata.uid);
    if (finished !== undefined) {
      if (mine.some(isActive)) await Promise.all(mine.filter(isActive).map((pod) => deletePod(context, COMPONENT, job, pod)));
      return expire(job, finished);
    }
    const failed = mine.filter((pod) => pod.status?.phase === 'Failed').length;
    const succeeded = mine.filter((pod) => pod.status?.phase === 'Succeeded').length;
    const verdict = judge(job, succeeded, failed);
    const active = mine.filter(isActive);
    if (verdict !== undefined || job.spec.suspend === true) await Promise.all(active.map((pod) => deletePod(context, COMPONENT, job, pod)));
    else await fill(job, key, mine, active, succeeded, failed);
    await writeStatus(job, verdict, succeeded, failed);
    const seconds = job.spec.activeDeadlineSeconds;
    if (seconds !== undefined && verdict === undefined) {
      const began = Date.parse(job.status?.startTime ?? timestamp());
      queue.addAfter(key, Math.max(0, began + seconds * 1000 - Date.now()) + 10);
    }
  }

  async function fill(job: Job, key: string, mine: readonly Pod[], active: readonly Pod[], succeeded: number, failed: number): Promise<void> {
    const parallelism = job.spec.parallelism ?? 1;
    const open = job.spec.completions === undefined ? (succeeded > 0 ? active.length : parallelism) : job.spec.completions - succeeded;
    const wanted = Math.max(0, Math.min(parallelism, open));
    if (active.length > wanted) {
      await Promise.all(active.slice(wanted).map((pod) => deletePod(context, COMPONENT, job, pod)));
      return;
    }
    if (active.length === wanted) return;
    if (failed > 0) {
      const last = Math.max(...mine.filter((pod) => pod.status?.phase === 'Failed').map(endOf));
      const wait = last + 2 * backoff(failed - 1, JOB_BACKOFF_FIRST_MS, JOB_BACKOFF_MAX_MS, () => 0) - Date.now();
      if (wait > 0) return queue.addAfter(key, wait);
    }
    await slowStart(wanted - active.length, () => createPod(context, COMPONENT, job, podFromTemplate(job.spec.template, job)));
  }

  async function expire(job: Job, finished: JobCondition): Promise<void> {
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined) return;
    const left = Date.parse(finished.lastTransitionTime ?? '') + ttl * 1000 - Date.now();
    if (left > 0) queue.addAfter(keyOf(job), left);
    else await context.remove(JOBS, job, { propagationPolicy: 'Foreground' });
  }

  async function writeStatus(job: Job, verdict: Verdict, succeeded: number, failed: number): Promise<void> {
    const newest = jobs.byUid(job.metadata.uid);
    if (newest === undefined) return;
    const mine = pods.ownedBy(job.metadata.uid);
    const active = mine.filter(isActive);
    const status: Status = {
      ...(newest.status?.conditions === undefined ? {} : { conditions: newest.status.conditions }),
      ...(active.length === 0 ? {} : { active: active.length }),
      ...(succeeded === 0 ? {} : { succeeded }),
      ...(failed === 0 ? {} : { failed }),
      ready: active.filter(isReady).length,
      terminating: mine.filter((pod) => isTerminating(pod) && !isFinished(pod)).length,
      uncountedTerminatedPods: {},
    };
    if (job.spec.suspend !== true) status.startTime = newest.status?.startTime ?? timestamp();
    const turned = suspension(job, newest.status?.conditions);
    if (turned !== undefined) status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== 'Suspended'), turned];
    if (verdict !== undefined) {
      const { type, reason, message } = verdict;
      const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
      status.conditions = conditions(
        [
          [before, reason, message],
          [type, reason, message],
        ],
        newest.status?.conditions,
      );
      if (type === 'Complete') status.completionTime = timestamp();
    }
    if (canonical(newest.status ?? {}) === canonical(status)) return;
    await context.replace(JOBS, { ...newest, status }, 'status');
    if (turned !== undefined) context.events.record(COMPONENT, job, 'Normal', turned.status === 'True' ? 'Suspended' : 'Resumed', turned.message ?? '');
    if (verdict?.type === 'Complete') context.events.record(COMPONENT, job, 'Normal', 'Completed', 'Job completed');
    if (verdict?.type === 'Failed') context.events.record(COMPONENT, job, 'Warning', verdict.reason, verdict.message);
  }

  return queue.start;
}

/** What ends the Job, if anything does. */
function judge(job: Job, succeeded: number, failed: number): Verdict {
  const { completions, backoffLimit = 6, activeDeadlineSeconds } = job.spec;
  if (succeeded >= (completions ?? 1)) return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
  if (failed > backoffLimit) return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const began = job.status?.startTime;
  if (activeDeadlineSeconds !== undefined && began !== undefined && Date.parse(began) + activeDeadlineSeconds * 1000 <= Date.now())
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  return undefined;
}

/** That it was suspended or goes on; undefined where nothing changed. */
function suspension({ spec }: Job, before: readonly JobCondition[] = []): JobCondition | undefined {
  const was = before.some(({ type, status }) => type === 'Suspended' && status === 'True');
  const is = spec.suspend === true;
  if (was === is) return undefined;
  const now = timestamp();
  const [status, reason, message] = is ? ['True', 'JobSuspended', 'Job suspended'] : ['False', 'JobResumed', 'Job resumed'];
  return { type: 'Suspended', status: status ?? '', lastProbeTime: now, lastTransitionTime: now, reason: reason ?? '', message: message ?? '' };
}

function conditions(wanted: [type: string, reason: string, message: string][], before: readonly JobCondition[] = []): JobCondition[] {
  const now = timestamp();
  const kept = before.filter(({ type }) => !wanted.some(([name]) => name === type));
  const made = wanted.map(([type, reason, message]) => {
    const same = before.find((one) => one.type === type && one.status === 'True');
    return same ?? { type, status: 'True', lastProbeTime: now, lastTransitionTime: now, reason, message };
  });
  return [...kept, ...made];
}

/** When its last container ended. */
function endOf(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  return Math.max(Date.parse(pod.metadata.creationTimestamp), ...ends.filter((end) => !Number.isNaN(end)));
}

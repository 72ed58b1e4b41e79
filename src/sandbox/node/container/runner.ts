/** One container of a pod through all its lives: starts it, probes it, starts it again, ends it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, ContainerState, ContainerStatus } from 'kubernetes-types/core/v1.js';
import { sleep } from '../../../base/retry.ts';
import { StatusError } from '../../contract.ts';
import type { StoredImage } from '../../images/stored-image.ts';
import { ContainerConfigError } from '../config-error.ts';
import { type ContainerLog, createContainerLog } from '../container-log.ts';
import {
  IMAGE_BACKOFF_FIRST_MS,
  LOG_INSTANCES_KEPT,
  POST_START_TIMEOUT_MS,
  RESTART_BACKOFF_FIRST_MS,
  RESTART_BACKOFF_FORGET_MS,
  RESTART_BACKOFF_MAX_MS,
  SETUP_RETRY_MS,
} from '../limits.ts';
import type { PodScope } from '../pod/scope.ts';
import { SpawnError } from '../runtime/spawner.ts';
import { findImage } from './find-image.ts';
import { endInstance, type Instance, startInstance } from './instance.ts';
import { partOf } from './part-of.ts';
import { execFailure } from './run-command.ts';
import { watchInstance } from './watch-instance.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

export interface ContainerRunner {
  readonly container: Container;
  status(): ContainerStatus;
  /** The instance that runs now. */
  readonly instance: Instance | undefined;
  /** Resolves with the exit code of its last life, when it is not started again. */
  readonly done: Promise<number>;
  /** Resolves when it has started for the first time, in the sense of its startup probe, or is done. */
  readonly started: Promise<void>;
  start(): void;
  stop(deadline: () => number, earlier: () => Promise<void>): Promise<void>;
  /** @throws {StatusError} */
  log(previous: boolean): ContainerLog;
  remove(): Promise<void>;
}

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
const STOPPED = new Error('the container is to stop');

export function createRunner(scope: PodScope, container: Container, restartPolicy: RestartPolicy): ContainerRunner {
  const { context } = scope;
  const done = Promise.withResolvers<number>();
  const started = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const logs: ContainerLog[] = [];
  const image: { found: StoredImage | undefined } = { found: undefined };
  let instance: Instance | undefined;
  let id: string | undefined;
  let state: ContainerState = { waiting: { reason: 'PodInitializing' } };
  let lastState: ContainerState = {};
  let restartCount = 0;
  let number = 0;
  let ready = false;
  let hasStarted = false;
  let running = false;
  let exitCode = 0;
  /** Ends what runs, or what is just about to. */
  let end: (begun: Instance) => Promise<void> = async () => {};

  const record = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    context.events.record('kubelet', scope.pod, type, reason, message, partOf(scope.pod, container.name));
  const change = (next: ContainerState): void => {
    if (state.terminated !== undefined && next.terminated === undefined) lastState = state;
    state = next;
    scope.changed();
  };

  async function live(): Promise<void> {
    let failures = 0;
    for (;;) {
      const found = await imageFor();
      const begun = Date.now();
      const code = await once(found);
      exitCode = code;
      if (stopping.signal.aborted || restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && code === 0)) return;
      if (Date.now() - begun > RESTART_BACKOFF_FORGET_MS) failures = 0;
      await backOff(failures++);
      restartCount++;
    }
  }

  /** The first restart is at once. */
  async function backOff(failures: number): Promise<void> {
    if (failures === 0) return;
    const wait = Math.min(RESTART_BACKOFF_MAX_MS, RESTART_BACKOFF_FIRST_MS * 2 ** (failures - 1));
    const { name, namespace, uid } = scope.pod.metadata;
    const message = `back-off ${wait / 1000}s restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    change({ waiting: { reason: 'CrashLoopBackOff', message } });
    record('Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`);
    await sleep(wait, stopping.signal);
  }

  async function imageFor(): Promise<StoredImage> {
    for (let tries = 0; ; tries++) {
      try {
        image.found = await findImage(context, container);
        if (tries === 0) record('Normal', 'Pulled', `Container image ${JSON.stringify(container.image)} already present on machine`);
        return image.found;
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        const { reason, message } = error;
        change({ waiting: { reason, message } });
        record(
          'Warning',
          reason === 'ErrImagePull' ? 'Failed' : reason,
          reason === 'InvalidImageName' ? message : `Failed to pull image ${JSON.stringify(container.image)}: ${message}`,
        );
        if (reason === 'ErrImagePull') {
          await sleep(SETUP_RETRY_MS, stopping.signal);
          change({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image ${JSON.stringify(container.image)}: ErrImagePull: ${message}` } });
        }
        await sleep(tries < 5 ? SETUP_RETRY_MS : IMAGE_BACKOFF_FIRST_MS, stopping.signal);
      }
    }
  }

  /** @returns the exit code. */
  async function once(found: StoredImage): Promise<number> {
    const log = await newLog();
    let begun: Instance;
    for (;;) {
      stopping.signal.throwIfAborted();
      try {
        begun = await startInstance(scope, container, found, number++, log);
        break;
      } catch (error) {
        if (error instanceof SpawnError) return failedToStart(error);
        if (!(error instanceof ContainerConfigError)) throw error;
        change({ waiting: { reason: error.reason, message: error.message } });
        record('Warning', 'Failed', `Error: ${error.message}`);
        await sleep(SETUP_RETRY_MS, stopping.signal);
      }
    }
    instance = begun;
    id = begun.id;
    record('Normal', 'Created', `Created container: ${container.name}`);
    record('Normal', 'Started', `Started container ${container.name}`);
    change({ running: { startedAt: now() } });
    const ended = new AbortController();
    const watching = postStart(begun).then(() => {
      if (ended.signal.aborted || stopping.signal.aborted) return undefined;
      return watchInstance(scope, container, begun, AbortSignal.any([ended.signal, stopping.signal]), {
        onReady(value) {
          ready = value;
          scope.changed();
        },
        onStarted() {
          hasStarted = true;
          started.resolve();
          scope.changed();
        },
        onUnhealthy: (why) => void killUnhealthy(begun, why),
      });
    });
    // it is told below, when the container has ended; until then nobody listens to it
    watching.catch(() => {});
    // told to stop while it was being started
    if (stopping.signal.aborted) await end(begun);
    const { code, signal } = await begun.exited;
    ended.abort();
    await watching;
    instance = undefined;
    ready = false;
    hasStarted = false;
    const message = await begun.message(code !== 0);
    change({
      terminated: {
        exitCode: code,
        reason: code === 0 ? 'Completed' : 'Error',
        startedAt: begun.startedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
        finishedAt: now(),
        containerID: begun.id,
        ...(signal === 0 ? {} : { signal }),
        ...(message === '' ? {} : { message }),
      },
    });
    await begun.remove();
    return code;
  }

  function failedToStart(error: SpawnError): number {
    const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: ${execFailure(error, container.command?.[0] ?? image.found?.config.Entrypoint?.[0] ?? '')}`;
    record('Warning', 'Failed', `Error: ${message}`);
    change({ terminated: { exitCode: 128, reason: 'StartError', message, startedAt: '1970-01-01T00:00:00Z', finishedAt: now() } });
    return 128;
  }

  async function newLog(): Promise<ContainerLog> {
    const folder = join(scope.folder, 'logs');
    await mkdir(folder, { recursive: true });
    const log = createContainerLog(join(folder, `${container.name}-${restartCount}.log`));
    logs.push(log);
    while (logs.length > LOG_INSTANCES_KEPT) logs.shift()?.remove();
    return log;
  }

  async function postStart(begun: Instance): Promise<void> {
    const handler = container.lifecycle?.postStart;
    if (handler === undefined) return;
    const failure = await begun.hook(handler, POST_START_TIMEOUT_MS);
    if (failure === undefined) return;
    record('Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
    begun.signal('SIGKILL');
  }

  async function killUnhealthy(begun: Instance, why: string): Promise<void> {
    record('Normal', 'Killing', `Container ${container.name} failed ${why} probe, will be restarted`);
    const deadline = Date.now() + (scope.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    await endInstance(
      begun,
      container,
      () => deadline,
      () => new Promise(() => {}),
    );
  }

  return {
    container,
    get instance() {
      return instance;
    },
    done: done.promise,
    started: started.promise,
    status: () => ({
      name: container.name,
      state,
      lastState,
      ready,
      restartCount,
      image: image.found?.reference ?? container.image ?? '',
      imageID: image.found?.id ?? '',
      started: hasStarted,
      ...(id === undefined ? {} : { containerID: id }),
    }),
    start() {
      if (running) return;
      running = true;
      live()
        .catch((error: unknown) => {
          if (stopping.signal.aborted) return;
          context.log.error('a container could not be kept', { pod: scope.pod.metadata.name, container: container.name, error });
          exitCode = 128;
          change({ terminated: { exitCode: 128, reason: 'ContainerStatusUnknown', message: String(error), startedAt: now(), finishedAt: now() } });
        })
        .finally(() => {
          started.resolve();
          done.resolve(exitCode);
        });
    },
    async stop(deadline, earlier) {
      end = async (begun) => {
        record('Normal', 'Killing', `Stopping container ${container.name}`);
        scope.changed();
        const failure = await endInstance(begun, container, deadline, earlier);
        if (failure !== undefined) record('Warning', 'FailedPreStopHook', `PreStopHook failed: ${failure}`);
      };
      stopping.abort(STOPPED);
      ready = false;
      if (!running) {
        running = true;
        done.resolve(0);
        started.resolve();
        return;
      }
      if (instance !== undefined) await end(instance);
      await done.promise;
    },
    log(previous) {
      const log = logs.at(previous ? -2 : -1);
      const { name } = scope.pod.metadata;
      if (log === undefined && previous)
        throw new StatusError(400, 'BadRequest', `previous terminated container ${JSON.stringify(container.name)} in pod ${JSON.stringify(name)} not found`);
      if (log === undefined) {
        const why = state.waiting?.reason ?? 'ContainerCreating';
        throw new StatusError(400, 'BadRequest', `container ${JSON.stringify(container.name)} in pod ${JSON.stringify(name)} is waiting to start: ${why}`);
      }
      return log;
    },
    async remove() {
      for (const log of logs) log.remove();
      await instance?.remove();
    },
  };
}

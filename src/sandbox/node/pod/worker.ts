/** One pod on the node: from the moment it is bound until nothing of it is left. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Container, ContainerStatus } from 'kubernetes-types/core/v1.js';
import { messageOf } from '../../../base/errors.ts';
import { sleep } from '../../../base/retry.ts';
import { isNotFound, pathOf } from '../../controllers/core/context.ts';
import { PODS, type Pod } from '../../controllers/core/types.ts';
import type { PodNetwork } from '../../network/node-network.ts';
import { ContainerConfigError } from '../config-error.ts';
import { type ContainerRunner, createRunner, type RestartPolicy } from '../container/runner.ts';
import type { NodeContext, NodeIdentity } from '../context.ts';
import { SETUP_RETRY_MS, VOLUME_REFRESH_MS } from '../limits.ts';
import { type PodVolumes, prepareVolumes } from '../volumes/index.ts';
import type { PodScope } from './scope.ts';
import { type PodView, statusOf, waitingStatus } from './status.ts';

export interface PodWorker {
  readonly uid: string;
  /** It was changed, or is to be deleted. */
  update(pod: Pod): void;
  /** Nobody knows of it any more: it ends at once. */
  gone(): void;
  runner(container: string): ContainerRunner | undefined;
  dial(port: number): Promise<Duplex>;
  /** A volume's source has changed. */
  sourceChanged(object: string): void;
  readonly done: Promise<void>;
}

const SECOND_MS = 1000;

export function createPodWorker(context: NodeContext, node: NodeIdentity, first: Pod): PodWorker {
  const { uid } = first.metadata;
  const folder = join(context.folder, 'pods', uid);
  const startTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ending = new AbortController();
  const deadlinePassed = new AbortController();
  let pod = first;
  let isGone = false;
  const nodeNetwork = context.network.node(node.name);
  let network: PodNetwork | undefined;
  let volumes: PodVolumes | undefined;
  let init: ContainerRunner[] = [];
  let main: ContainerRunner[] = [];
  let initialized = false;
  let outcome: PodView['outcome'];
  let earlier = Promise.withResolvers<void>();
  let deletedAt: number | undefined;
  let killAt = Number.POSITIVE_INFINITY;

  // --- status: written once for many changes, the newest last
  let dirty = false;
  let writing: Promise<void> | undefined;
  function changed(): void {
    dirty = true;
    writing ??= Promise.resolve()
      .then(writeStatus)
      .finally(() => {
        writing = undefined;
        if (dirty) changed();
      });
  }
  async function writeStatus(): Promise<void> {
    while (dirty) {
      dirty = false;
      if (isGone || context.signal.aborted) return;
      const view: PodView = {
        pod: context.pods.byUid(uid) ?? pod,
        hostIp: node.ip,
        podIp: pod.spec.hostNetwork === true ? node.ip : network?.ip,
        startTime,
        init: statusesOf(init, pod.spec.initContainers ?? []),
        main: statusesOf(main, pod.spec.containers),
        initialized,
        outcome,
      };
      try {
        const written = await context.client.patch<Pod>(
          pathOf(PODS, pod, 'status'),
          'merge',
          { metadata: { uid }, status: statusOf(view) },
          { fieldManager: 'kubelet' },
        );
        context.pods.learn(written);
      } catch (error) {
        if (isNotFound(error)) return;
        context.log.debug('a pod’s status could not be written', { pod: pod.metadata.name, reason: messageOf(error) });
        dirty = true;
        await sleep(SETUP_RETRY_MS, context.signal).catch(() => {});
      }
    }
  }

  // --- its life
  const until = <T>(work: Promise<T>): Promise<T | undefined> =>
    Promise.race([
      work,
      new Promise<undefined>((resolve) =>
        ending.signal.aborted ? resolve(undefined) : ending.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
      ),
    ]);

  async function live(): Promise<void> {
    await mkdir(folder, { recursive: true });
    if (pod.spec.hostNetwork !== true) network = nodeNetwork.addPod();
    const scope = await setUp();
    if (scope === undefined) return;
    const restart = (pod.spec.restartPolicy ?? 'Always') as RestartPolicy;
    init = (pod.spec.initContainers ?? []).map((container) =>
      createRunner(scope, container, isSidecar(container) ? 'Always' : restart === 'Always' ? 'OnFailure' : restart),
    );
    main = pod.spec.containers.map((container) => createRunner(scope, container, restart));
    changed();
    for (const runner of init) {
      runner.start();
      if (isSidecar(runner.container)) await until(runner.started);
      else {
        const code = await until(runner.done);
        if (code !== undefined && code !== 0) {
          await endSidecars();
          outcome = { phase: 'Failed' };
          return;
        }
      }
      if (ending.signal.aborted) return;
    }
    initialized = true;
    changed();
    for (const runner of main) runner.start();
    const codes = await until(Promise.all(main.map((runner) => runner.done)));
    if (codes === undefined) return;
    await endSidecars();
    outcome = { phase: codes.every((code) => code === 0) ? 'Succeeded' : 'Failed' };
  }

  async function setUp(): Promise<PodScope | undefined> {
    const addresses = { podIp: network?.ip ?? node.ip, hostIp: node.ip };
    while (!ending.signal.aborted) {
      try {
        volumes ??= await prepareVolumes(context, pod, join(folder, 'volumes'), addresses);
        await volumes.refresh(pod);
        break;
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        context.events.record('kubelet', pod, 'Warning', error.reason, error.message);
        changed();
        await sleep(SETUP_RETRY_MS, ending.signal).catch(() => {});
      }
    }
    if (ending.signal.aborted || volumes === undefined) return undefined;
    void keepVolumes(volumes);
    return {
      context,
      node,
      nodeNetwork,
      get pod() {
        return pod;
      },
      network,
      addresses,
      volumes,
      folder,
      changed,
    };
  }

  async function keepVolumes(kept: PodVolumes): Promise<void> {
    while (!ending.signal.aborted && outcome === undefined) {
      const wait = Math.min(VOLUME_REFRESH_MS, Math.max(SETUP_RETRY_MS, kept.nextRefresh - Date.now()));
      try {
        await sleep(wait, ending.signal);
      } catch {
        return;
      }
      await refresh(kept);
    }
  }

  async function refresh(kept: PodVolumes): Promise<void> {
    try {
      await kept.refresh(pod);
    } catch (error) {
      context.log.debug('a volume could not be refreshed', { pod: pod.metadata.name, reason: messageOf(error) });
    }
  }

  // --- its end
  const nextChange = (): Promise<void> => earlier.promise;
  const deadline = (): number => killAt;

  /** The containers at once, then the sidecars, the last one first. */
  async function endAll(): Promise<void> {
    await Promise.all(main.map((runner) => runner.stop(deadline, nextChange)));
    await Promise.all(init.filter(({ container }) => !isSidecar(container)).map((runner) => runner.stop(deadline, nextChange)));
    await endSidecars();
  }

  async function endSidecars(): Promise<void> {
    if (killAt === Number.POSITIVE_INFINITY) killAt = Date.now() + (pod.spec.terminationGracePeriodSeconds ?? 30) * SECOND_MS;
    for (const runner of init.filter(({ container }) => isSidecar(container)).reverse()) await runner.stop(deadline, nextChange);
  }

  function endBy(time: number): void {
    if (time < killAt) {
      killAt = time;
      earlier.resolve();
      earlier = Promise.withResolvers<void>();
    }
    ending.abort();
  }

  async function run(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const seconds = pod.spec.activeDeadlineSeconds;
    if (seconds !== undefined)
      timer = setTimeout(() => {
        deadlinePassed.abort();
        endBy(Date.now() + (pod.spec.terminationGracePeriodSeconds ?? 30) * SECOND_MS);
      }, seconds * SECOND_MS);
    try {
      await live();
    } catch (error) {
      context.log.error('a pod could not be kept', { pod: pod.metadata.name, error });
      context.events.record('kubelet', pod, 'Warning', 'FailedCreatePodSandBox', messageOf(error));
      outcome = { phase: 'Failed', reason: 'SandboxError', message: messageOf(error) };
    }
    clearTimeout(timer);
    if (outcome === undefined) {
      await endAll();
      const codes = main.map((runner) => runner.status().state?.terminated?.exitCode ?? 137);
      outcome = { phase: codes.length > 0 && codes.every((code) => code === 0) ? 'Succeeded' : 'Failed' };
    }
    if (deadlinePassed.signal.aborted)
      outcome = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    network?.release();
    changed();
    while (writing !== undefined) await writing;
    // a pod that has ended by itself stays for its status and its logs
    if (!isGone && pod.metadata.deletionTimestamp === undefined) await new Promise<void>((resolve) => (onDelete = resolve));
    if (!isGone) await context.remove(PODS, pod, { gracePeriodSeconds: 0 });
    for (const runner of [...init, ...main]) await runner.remove();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  let onDelete = (): void => {};

  const done = run();
  changed();
  return {
    uid,
    done,
    update(next) {
      const { deletionTimestamp, deletionGracePeriodSeconds = 0, labels, annotations } = next.metadata;
      const before = pod.metadata;
      pod = next;
      if (volumes !== undefined && (!isDeepStrictEqual(labels, before.labels) || !isDeepStrictEqual(annotations, before.annotations))) void refresh(volumes);
      if (deletionTimestamp === undefined) return;
      // by its own clock: the API's times have no fractions of seconds
      deletedAt ??= Date.now();
      endBy(deletedAt + deletionGracePeriodSeconds * SECOND_MS);
      onDelete();
    },
    gone() {
      isGone = true;
      endBy(Date.now());
      onDelete();
    },
    runner: (name) => [...main, ...init].find(({ container }) => container.name === name),
    dial(port) {
      if (pod.spec.hostNetwork === true) return nodeNetwork.namespace.dial('127.0.0.1', port);
      if (network === undefined || outcome !== undefined) return Promise.reject(new Error('the pod has no network'));
      return network.dial(port);
    },
    sourceChanged(object) {
      if (volumes?.uses(object) === true && !ending.signal.aborted) void refresh(volumes);
    },
  };
}

/** Until there are runners the containers wait. */
function statusesOf(runners: readonly ContainerRunner[], containers: readonly Container[]): ContainerStatus[] {
  if (runners.length > 0) return runners.map((runner) => runner.status());
  return containers.map((container) => waitingStatus(container, 'ContainerCreating'));
}

const isSidecar = ({ restartPolicy }: { restartPolicy?: string }): boolean => restartPolicy === 'Always';

/** One life of a container: from its program's start to its end. */
import { readFile, rm } from 'node:fs/promises';
import type { Container, LifecycleHandler } from 'kubernetes-types/core/v1.js';
import type { ExecProcess } from '../../contract.ts';
import type { StoredImage } from '../../images/stored-image.ts';
import type { ContainerLog } from '../container-log.ts';
import { KILL_WAIT_MS, TERMINATION_MESSAGE_LIMIT, TERMINATION_MESSAGE_LINES } from '../limits.ts';
import type { PodScope } from '../pod/scope.ts';
import type { ContainerExit, ContainerProcess } from '../runtime/spawner.ts';
import { type Asked, ask } from './ask.ts';
import { createAttachments } from './attachments.ts';
import { kill } from './run-command.ts';
import { type Setup, setUpContainer } from './setup.ts';
import { openStandard } from './standard.ts';

export interface Instance {
  readonly id: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** For probes, hooks and commands beside it. */
  readonly asked: Asked;
  readonly exited: Promise<ContainerExit>;
  /** @returns what went wrong, if anything did. */
  hook(handler: LifecycleHandler, timeoutMs: number): Promise<string | undefined>;
  signal(name: NodeJS.Signals): void;
  /** Somebody sees what it prints from now on, and writes its input. */
  attach(wantsInput: boolean): ExecProcess;
  /** What it left as its last words. */
  message(failed: boolean): Promise<string>;
  /** Removes what it wrote. */
  remove(): Promise<void>;
}

/** How long what an ended program left in its pipes is waited for: a process that went on in the background may hold them open. */
const DRAIN_MS = 1_000;

/** @throws {ContainerConfigError} @throws {SpawnError} */
export async function startInstance(scope: PodScope, container: Container, image: StoredImage, number: number, log: ContainerLog): Promise<Instance> {
  const { context } = scope;
  const setup = await setUpContainer(scope, container, image, number);
  const { rights } = setup.request.program;
  const io = await openStandard(context.libc, container, rights, setup.folder, (stream, bytes) => {
    log.write(stream, bytes);
    attachments.write(stream, bytes);
  });
  const attachments = createAttachments(io.attachments);
  let process: ContainerProcess;
  try {
    const { standard, terminals } = io;
    const program = { ...setup.request.program, standard };
    process = await context.spawner.run({ ...setup.request, program, ...(terminals === undefined ? {} : { terminals }) });
  } catch (error) {
    io.destroy();
    log.end();
    io.release();
    await rm(setup.folder, { recursive: true, force: true });
    throw error;
  }
  io.release();
  const { pid } = process;
  const asked: Asked = { deps: context, container, ip: scope.addresses.podIp, node: scope.nodeNetwork.namespace, pid, program: setup.request.program };
  return {
    id: `sandbox://${scope.pod.metadata.uid}-${container.name}-${number}`,
    pid,
    startedAt: new Date(),
    asked,
    exited: process.exited.then(async (exit) => {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([io.drained, new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_MS)))]);
      clearTimeout(timer);
      io.destroy();
      attachments.end();
      log.end();
      return exit;
    }),
    async hook(handler, timeoutMs) {
      const { sleep: pause } = handler;
      if (pause !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, Math.min(pause.seconds * 1000, timeoutMs)).unref());
        return undefined;
      }
      const { ok, message } = await ask(handler, asked, timeoutMs);
      return ok ? undefined : message;
    },
    signal: (name) => kill(pid, name),
    attach: (wantsInput) => attachments.attach(wantsInput),
    message: (failed) => lastWords(container, setup, log, failed),
    remove: () => rm(setup.folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function lastWords({ terminationMessagePolicy }: Container, { messageFile }: Setup, log: ContainerLog, failed: boolean): Promise<string> {
  const written = (await readFile(messageFile)).subarray(0, TERMINATION_MESSAGE_LIMIT).toString();
  if (written !== '' || terminationMessagePolicy !== 'FallbackToLogsOnError' || !failed) return written;
  return log.tail(TERMINATION_MESSAGE_LINES).slice(-TERMINATION_MESSAGE_LIMIT);
}

/** Tells a running container to end, and ends it when the time that `deadline` says has come; `earlier` resolves whenever that has changed. */
export async function endInstance(instance: Instance, container: Container, deadline: () => number, earlier: () => Promise<void>): Promise<string | undefined> {
  const exited = instance.exited.then(() => true);
  const until = async (): Promise<boolean> => {
    for (;;) {
      const left = deadline() - Date.now();
      if (left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<'over'>((resolve) => (timer = setTimeout(resolve, left, 'over')));
      const first = await Promise.race([exited, over, earlier()]);
      clearTimeout(timer);
      if (first === true) return true;
    }
  };
  let failure: string | undefined;
  const { preStop } = container.lifecycle ?? {};
  const left = deadline() - Date.now();
  if (preStop !== undefined && left > 0) {
    const hook = instance.hook(preStop, left).then((message) => (failure = message));
    await Promise.race([hook, until()]);
  }
  instance.signal('SIGTERM');
  if (await until()) return failure;
  instance.signal('SIGKILL');
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([exited, new Promise((resolve) => (timer = setTimeout(resolve, KILL_WAIT_MS)))]);
  clearTimeout(timer);
  return failure;
}

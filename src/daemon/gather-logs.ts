/** `gather-logs`: the logs of the workstation's programs, the managers and the agents in one zip file. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import type { z } from 'zod';
import { CodedError, messageOf } from '../base/errors.ts';
import { resourcePath } from '../kube/index.ts';
import type { gatherLogsParamsSchema } from '../protocol/daemon-api.ts';
import { AGENT_CONTAINER, MANAGER_NAME } from '../protocol/resources.ts';
import type { CallContext } from './context.ts';
import type { Daemon } from './daemon.ts';

interface PodObject {
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
}
type Params = z.infer<typeof gatherLogsParamsSchema>;

/** The log files of `--daemons`: `all`, `None`, or a list of `root` (netd) and `user` (daemon). */
async function workstationLogs(logDir: string, daemons: string): Promise<[string, Uint8Array][]> {
  const wanted = daemons.toLowerCase().split(',');
  const takes = (file: string): boolean =>
    wanted.includes('all') ||
    (wanted.includes('root') && file.startsWith('netd')) ||
    (wanted.includes('user') && (file.startsWith('daemon') || file.startsWith('cli')));
  if (wanted.includes('none')) return [];
  const files = (await readdir(logDir)).filter((file) => file.endsWith('.log') && takes(file));
  return Promise.all(files.map(async (file): Promise<[string, Uint8Array]> => [file, await readFile(path.join(logDir, file))]));
}

/** Replaces names of pods and namespaces by `pod-1`, `namespace-2`, … in names and texts alike. */
function anonymizer(pods: readonly PodObject[]): (text: string) => string {
  const names = new Map<string, string>();
  for (const { metadata } of pods) {
    if (!names.has(metadata.name)) names.set(metadata.name, `pod-${names.size + 1}`);
    if (!names.has(metadata.namespace)) names.set(metadata.namespace, `namespace-${names.size + 1}`);
  }
  const longestFirst = [...names].toSorted(([a], [b]) => b.length - a.length);
  return (text) => longestFirst.reduce((result, [name, stand]) => result.replaceAll(name, stand), text);
}

async function clusterPods(daemon: Daemon, params: Params, signal: AbortSignal): Promise<{ pod: PodObject; container: string }[]> {
  const { kube, managerNamespace } = daemon.session.parts;
  const found: { pod: PodObject; container: string }[] = [];
  if (params.trafficManager) {
    const { items } = await kube.list<PodObject>(resourcePath('v1', 'pods', managerNamespace), { labelSelector: `app=${MANAGER_NAME}`, signal });
    for (const pod of items) found.push({ pod, container: MANAGER_NAME });
  }
  if (params.trafficAgents.toLowerCase() !== 'none') {
    const { items } = await kube.list<PodObject>(resourcePath('v1', 'pods'), { signal });
    const part = params.trafficAgents === 'all' ? '' : params.trafficAgents;
    for (const pod of items) {
      const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
      if (pod.metadata.name.includes(part) && containers.some(({ name }) => name === AGENT_CONTAINER)) found.push({ pod, container: AGENT_CONTAINER });
    }
  }
  return found;
}

export async function gatherLogs(daemon: Daemon, params: Params, call: CallContext): Promise<{ file: string; entries: string[] }> {
  const entries = new Map<string, Uint8Array>(await workstationLogs(daemon.ctx.paths.logDir, params.daemons));
  if (daemon.connected === undefined) call.warning('Not connected: only the logs of this workstation are gathered.');
  else {
    const pods = await clusterPods(daemon, params, call.signal);
    const hide = params.anonymize ? anonymizer(pods.map(({ pod }) => pod)) : (text: string): string => text;
    for (const { pod, container } of pods) {
      const { name, namespace } = pod.metadata;
      const base = hide(`${container}-${name}.${namespace}`);
      try {
        const text = await daemon.connected.parts.kube.podLogs(namespace, name, container, { signal: call.signal });
        entries.set(`${base}.log`, strToU8(hide(text)));
      } catch (error) {
        call.warning(`The log of ${name} could not be read: ${messageOf(error)}`);
      }
      if (params.podYaml) {
        const { stringify } = await import('yaml');
        entries.set(`${base}.yaml`, strToU8(hide(stringify(pod))));
      }
    }
  }
  const zip = zipSync(Object.fromEntries(entries), { level: 6 });
  const part = `${params.outputFile}.part`;
  try {
    await writeFile(part, zip, { mode: 0o600 });
    await rename(part, params.outputFile);
  } catch (error) {
    await rm(part, { force: true });
    throw new CodedError('TP-USAGE', `The zip file could not be written: ${messageOf(error)}.`, { cause: error });
  }
  return { file: params.outputFile, entries: [...entries.keys()] };
}

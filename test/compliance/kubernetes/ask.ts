/** Asks a cluster the questions of a scene, and makes answers comparable: what is different every time is written as a word. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, statusOf } from '../../../src/kube/index.ts';
import type { Question, Scene } from './question.ts';

/** In the order of the questions. */
export type Answers = unknown[];

let counter = 0;

export async function askScene(kube: KubeClient, scene: Scene): Promise<Answers> {
  const namespace = `ask-${process.pid}-${counter++}`;
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await accountOf(kube, namespace);
  const answers: Answers = [];
  try {
    for (const question of scene.questions) answers.push(await ask(kube, question, namespace));
  } finally {
    for (const path of [...(scene.cleanup ?? []), `/api/v1/namespaces/${namespace}`]) await forget(kube, path);
  }
  return answers;
}

/** Pods are refused until the namespace has its service account. */
async function accountOf(kube: KubeClient, namespace: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await kube.get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`);
      return;
    } catch (error) {
      if (statusOf(error)?.code !== 404) throw error;
      await sleep(50);
    }
  }
}

async function forget(kube: KubeClient, path: string): Promise<void> {
  try {
    await kube.delete(path);
  } catch (error) {
    if (statusOf(error)?.code !== 404) throw error;
  }
}

async function ask(kube: KubeClient, { method, path, body, query, contentType, pick }: Question, namespace: string): Promise<unknown> {
  const real = (text: string) => text.replaceAll(/\bNS\b/g, namespace);
  let answer: unknown;
  try {
    answer = await kube.request(method, real(path), {
      ...(body === undefined ? {} : { body: JSON.parse(real(JSON.stringify(body))) as unknown }),
      ...(query === undefined ? {} : { query: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, real(value)])) }),
      ...(contentType === undefined ? {} : { contentType }),
    });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    answer = status;
  }
  return comparable(pick === undefined ? answer : pick(answer as Record<string, unknown>), namespace);
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;
const SERVICE_IP = /\b10\.96\.\d+\.\d+\b/g;

function comparable(value: unknown, namespace: string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => comparable(item, namespace, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .map(([name, field]) => [name.replaceAll(namespace, 'NS'), comparable(field, namespace, name)]),
    );
  if (key === 'resourceVersion') return '<version>';
  if (key === 'nodePort' && typeof value === 'number') return '<port>';
  if (key === 'retryAfterSeconds') return '<seconds>';
  if (typeof value !== 'string') return value;
  return value
    .replaceAll(namespace, 'NS')
    .replaceAll(UID, '<uid>')
    .replaceAll(/in record \(\d+\)/g, 'in record (<version>)')
    .replaceAll(TIME, '<time>')
    .replaceAll(SERVICE_IP, '<ip>')
    .replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<random>')
    .replaceAll(/\b(gen-)[a-z0-9]{5}\b/g, '$1<random>');
}

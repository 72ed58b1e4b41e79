/** Asks a cluster the questions of a scene, and makes answers comparable: what is different every time is written as a word. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, statusOf } from '../../../src/kube/index.ts';
import type { Question, Scene } from './question.ts';

/** In the order of the questions. */
export type Answers = unknown[];

let counter = 0;

/** What a scene knows while its questions are asked. */
interface Asking {
  namespace: string;
  /** That `VERSION` stands for. */
  version: string;
}

export async function askScene(kube: KubeClient, scene: Scene): Promise<Answers> {
  const asking: Asking = { namespace: `ask-${process.pid}-${counter++}`, version: '' };
  const { namespace } = asking;
  const real = (path: string): string => path.replaceAll(/\bNS\b/g, namespace);
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await accountOf(kube, namespace);
  const answers: Answers = [];
  try {
    for (const group of together(scene.questions)) answers.push(...(await Promise.all(group.map((question) => ask(kube, question, asking)))));
  } finally {
    for (const path of [...(scene.cleanup ?? []), `/api/v1/namespaces/${namespace}`]) await forget(kube, real(path));
  }
  return answers;
}

/** Each question by itself, but watches that stand beside each other at the same time: each takes its second. */
function together(questions: readonly Question[]): Question[][] {
  const groups: Question[][] = [];
  for (const question of questions) {
    const last = groups.at(-1);
    if (question.stream === true && last?.[0]?.stream === true) last.push(question);
    else groups.push([question]);
  }
  return groups;
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

async function ask(kube: KubeClient, question: Question, asking: Asking): Promise<unknown> {
  const { namespace } = asking;
  let answer = await answerTo(kube, question, asking);
  for (let tries = 0; question.untilThere === true && isNotFound(answer) && tries < 200; tries++) {
    await sleep(50);
    answer = await answerTo(kube, question, asking);
  }
  if (question.remember === true) asking.version = (answer as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion ?? '';
  return comparable(question.pick === undefined ? answer : question.pick(answer as Record<string, unknown>, namespace), namespace);
}

const isNotFound = (answer: unknown): boolean => (answer as { code?: unknown }).code === 404;

/** The Status, where it is refused. */
async function answerTo(kube: KubeClient, question: Question, { namespace, version }: Asking): Promise<unknown> {
  const { method, path, body, query = {}, contentType, stream, upgrade } = question;
  const real = (text: string) => text.replaceAll(/\bNS\b/g, namespace).replaceAll(/\bVERSION\b/g, version);
  const asked = { query: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, real(value)])) };
  try {
    if (stream === true) return eventsOf(await kube.text(real(path), asked));
    if (upgrade !== undefined) {
      (await kube.upgrade(real(path), { protocol: upgrade })).socket.destroy();
      return 'upgraded';
    }
    return await kube.request(method, real(path), {
      ...asked,
      ...(body === undefined ? {} : { body: JSON.parse(real(JSON.stringify(body))) as unknown }),
      ...(contentType === undefined ? {} : { contentType }),
    });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return status;
  }
}

const eventsOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;
const SERVICE_IP = /\b10\.96\.\d+\.\d+\b/g;

/** Entries of managedFields come by the second in which they were last changed, and whether that is the same one for two of them is chance. */
export function withoutTimesOrder(key: string, value: unknown): unknown {
  if (key !== 'managedFields' || !Array.isArray(value)) return value;
  const text = (entry: unknown): string => JSON.stringify(entry);
  return value.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

function comparable(value: unknown, namespace: string, key = ''): unknown {
  if (Array.isArray(value))
    return withoutTimesOrder(
      key,
      value.map((item) => comparable(item, namespace, key)),
    );
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

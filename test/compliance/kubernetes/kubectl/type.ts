/** Types the lines of a scene at a `kubectl`, and tells what it said in a way that can be compared. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { comparable } from './comparable.ts';
import { type KubectlScene, type Line, textOf } from './scene.ts';

/** What is empty, or 0, is left out. */
export interface Said {
  code?: number;
  out?: string;
  err?: string;
}

export interface Typist {
  /** In the order of the lines. */
  type(scene: KubectlScene): Promise<Said[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

const LINE_TIMEOUT_MS = 60_000;
const UNTIL_TIMEOUT_MS = 30_000;
const PAUSE_MS = 100;
const MAX_BYTES = 16 << 20;

let counter = 0;

interface Place {
  namespace: string;
  folder: string;
  env: NodeJS.ProcessEnv;
}

/** @param kubeconfig of an administrator */
export async function createTypist(kubectl: string, kubeconfig: string): Promise<Typist> {
  const home = await mkdtemp(path.join(tmpdir(), 'typist-'));
  await mkdir(path.join(home, 'bin'));
  await symlink(kubectl, path.join(home, 'bin/kubectl'));
  const config = parse(await readFile(kubeconfig, 'utf8')) as { contexts: { context: { namespace?: string } }[] };
  const env = { HOME: home, PATH: `${path.join(home, 'bin')}:${process.env['PATH']}`, TMPDIR: home, TERM: 'dumb', LANG: 'C.UTF-8' };
  const lasting: Place = { namespace: 'default', folder: home, env: { ...env, KUBECONFIG: kubeconfig } };
  const must = async (line: string): Promise<void> => {
    const { code = 0, out = '', err = '' } = await typed(line, lasting);
    if (code !== 0) throw new Error(`${line}: ${out}${err}`);
  };
  return {
    async type(scene) {
      const namespace = `typed-${process.pid}-${counter++}`;
      const folder = path.join(home, namespace);
      await mkdir(folder);
      for (const { context } of config.contexts) context.namespace = namespace;
      await writeFile(path.join(folder, 'kubeconfig'), stringify(config), { mode: 0o600 });
      const real = (text: string): string => text.replaceAll(/\bNS\b/g, namespace);
      for (const [name, content] of Object.entries(scene.files ?? {})) await writeFile(path.join(folder, name), real(textOfFile(content)), { mode: 0o755 });
      const place: Place = { namespace, folder, env: { ...env, KUBECONFIG: path.join(folder, 'kubeconfig') } };
      await must(`kubectl create namespace ${namespace}`);
      // pods are refused until the namespace has its service account
      await must(`kubectl -n ${namespace} wait --for=create serviceaccount/default configmap/kube-root-ca.crt --timeout=30s`);
      const said: Said[] = [];
      try {
        for (const line of scene.lines) said.push(await answerTo(line, real(textOf(line)), place));
      } finally {
        for (const what of scene.cleanup ?? []) await must(`kubectl delete --ignore-not-found --wait=false ${real(what)}`);
        await must(`kubectl delete namespace ${namespace} --wait=false`);
      }
      return said;
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

export interface Listener {
  done(scene: KubectlScene, said: Said[]): void;
  failed(scene: KubectlScene, error: unknown): void;
}

/** Two scenes at a time: a `kubectl` waits for as long as it works. Never fails: the listener is told. */
export async function typeAll(typist: Typist, scenes: readonly KubectlScene[], { done, failed }: Listener): Promise<void> {
  const waiting = [...scenes];
  const work = async (): Promise<void> => {
    for (let scene = waiting.shift(); scene !== undefined; scene = waiting.shift()) {
      try {
        done(scene, await typist.type(scene));
      } catch (error) {
        failed(scene, error);
      }
    }
  };
  await Promise.all([work(), work()]);
}

function textOfFile(content: string | object | object[]): string {
  if (typeof content === 'string') return content;
  return [content]
    .flat()
    .map((object) => `${JSON.stringify(object, undefined, 2)}\n`)
    .join('---\n');
}

async function answerTo(line: Line, text: string, place: Place): Promise<Said> {
  let said = await typed(text, place);
  if (typeof line === 'string') return said;
  const end = performance.now() + UNTIL_TIMEOUT_MS;
  while (!line.until.test(said.out ?? '') && performance.now() < end) {
    await sleep(PAUSE_MS);
    said = await typed(text, place);
  }
  return said;
}

function typed(line: string, { namespace, folder, env }: Place): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = execFile('sh', ['-c', line], { cwd: folder, env, timeout: LINE_TIMEOUT_MS, maxBuffer: MAX_BYTES }, (error, stdout, stderr) => {
      // as timeout(1) has it
      const code = error?.killed === true ? 124 : (error?.code ?? 0);
      if (typeof code !== 'number') return reject(error ?? new Error(line));
      const [out, err] = [stdout, stderr].map((text) => comparable(text, namespace, folder));
      resolve({ ...(code === 0 ? {} : { code }), ...(out === '' ? {} : { out }), ...(err === '' ? {} : { err }) } as Said);
    });
    child.stdin?.end();
  });
}

/**
 * The guide, typed on a workstation: each command, its real output, and what the page says before and after.
 * `node scripts/demo/walk.ts [--namespace NAME] [--folder DIR] [--interactive]`; what it writes is in that folder, or in its HOME.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { CodedError } from '../../src/base/errors.ts';
import { sleep } from '../../src/base/retry.ts';
import { withSystemFolders } from '../../src/base/system-path.ts';
import { programOf } from './shop.ts';

const POLL_MS = 100;
/** The page follows the cluster within a second or two; a machine that is busy takes longer. */
const LOOK_TIMEOUT_MS = 20_000;
const { values } = parseArgs({ options: { namespace: { type: 'string' }, folder: { type: 'string' }, interactive: { type: 'boolean', default: false } } });
const folder = values.folder ?? process.env['HOME'] ?? '/';
const bin = path.join(import.meta.dirname, '../../bin');
const env = { ...process.env, PATH: `${bin}:${path.dirname(process.execPath)}:${withSystemFolders(process.env['PATH'])}` };
const page = values.namespace === undefined ? 'http://web/' : `http://web.${values.namespace}/`;
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(new CodedError('TP-CANCELLED', 'The demo was ended.')));

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const step = (text: string): boolean => say(`\n${pc.bold(text)}`);
const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`], { env }).status === 0;

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function shell(line: string, options: SpawnOptions = {}): ChildProcess {
  return spawn('sh', ['-c', line], { stdio: 'inherit', cwd: folder, env, ...options });
}

/** Types a line: shows it, runs it with its output as it comes. @throws when it fails. */
async function type(line: string): Promise<void> {
  say(`${pc.dim('$')} ${line}`);
  const code = await ended(shell(line));
  stop.signal.throwIfAborted();
  if (code !== 0) throw new CodedError('TP-COMMAND-FAILED', `${line} ended with exit code ${code}.`);
}

const coloured: Record<string, (text: string) => string> = {
  green: (text) => pc.bgGreen(pc.black(text)),
  blue: (text) => pc.bgBlue(pc.white(text)),
  orange: (text) => pc.bgYellow(pc.black(text)),
};

/** What a user types to see the page, and it typed. A machine without curl has Node. */
const GET = has('curl') ? `curl -s --max-time 3 ${page}` : `node -e "fetch('${page}').then(async (r) => console.log(await r.text()))"`;

function output(line: string): Promise<string> {
  const child = shell(line, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

/** Asks for the page until it is of that colour. */
async function look(colour: string): Promise<void> {
  say(`${pc.dim('$')} ${GET}`);
  let seen = '';
  for (const deadline = Date.now() + LOOK_TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS, stop.signal)) {
    seen = await output(GET);
    stop.signal.throwIfAborted();
    if (seen.includes(`is ${colour}`)) return void say((coloured[colour] ?? String)(seen.trimEnd()));
  }
  throw new CodedError('TP-COMMAND-FAILED', `The page was expected to be ${colour}; it said: ${seen.trim()}.`);
}

const SERVICE = 'example-service';
const ENV_FILE = `${values.folder === undefined ? '~' : '.'}/${SERVICE}-intercept.env`;

function develop(): ChildProcess {
  say(`${pc.dim('$')} node --env-file ${ENV_FILE} ${SERVICE}.ts &`);
  return spawn(process.execPath, ['--env-file', path.join(folder, `${SERVICE}-intercept.env`), path.join(folder, `${SERVICE}.ts`)], {
    stdio: 'inherit',
    cwd: folder,
    env,
  });
}

async function walk(): Promise<void> {
  let mine: ChildProcess | undefined;
  try {
    step('1. Join the cluster');
    await type(`telepresence connect${values.namespace === undefined ? '' : ` --namespace ${values.namespace}`}`);
    if (has('curl')) await type('curl -sik https://kubernetes.default.svc.cluster.local; echo');
    await look('green');
    step('2. Send the traffic of one service to this machine');
    await type('telepresence list');
    if (has('kubectl')) await type(`kubectl get service ${SERVICE} --output jsonpath='{.spec.ports}'; echo`);
    await writeFile(path.join(folder, `${SERVICE}.ts`), await readFile(programOf(SERVICE), 'utf8'));
    await type(`telepresence intercept ${SERVICE} --port 8080:http --env-file ${ENV_FILE}`);
    step('3. Change the code, run it here: it asks the store in the cluster, the page in the cluster asks it');
    await type(`sed -i s/green/blue/ ${SERVICE}.ts`);
    mine = develop();
    await look('blue');
    step('4. Change it again');
    mine.kill();
    await type(`sed -i s/blue/orange/ ${SERVICE}.ts`);
    mine = develop();
    await look('orange');
    step('5. Give it back');
    await type(`telepresence leave ${SERVICE}`);
    await look('green');
  } finally {
    mine?.kill();
  }
}

async function handOver(): Promise<void> {
  step('Your turn');
  say(`The shop is at ${page}, this shell is on the workstation: telepresence and node are in its PATH. \`exit\` ends all of it.`);
  // what is typed there is for the shell; it alone hears Ctrl-C
  await ended(spawn(process.env['SHELL'] ?? 'sh', [], { stdio: 'inherit', cwd: folder, env }));
}

let failed = false;
try {
  await walk();
  if (values.interactive) await handOver();
} catch (error) {
  failed = true;
  const { code, message, help } = CodedError.from(error);
  process.stderr.write(`\ndemo: ${message}\n${code}: ${help}\n`);
}
step('Leave nothing behind');
say(`${pc.dim('$')} telepresence quit`);
await ended(shell('telepresence quit -s', { detached: true }));
process.exit(failed ? 1 : 0);

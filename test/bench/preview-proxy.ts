/**
 * What the preview proxy bears: a cloud with 500 previews, half of them private, each asked over a kept connection of its own. First as
 * many requests as it takes, then 2,000 a second at a steady pace. The cloud, the manager with its link and the app behind it are processes
 * of their own; the CPU of each comes from /proc. With `--profile` it also says where the cloud's time goes.
 *
 * node test/bench/preview-proxy.ts [--seconds 10] [--rate 2000] [--previews 500] [--profile]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { startTestCloud, testIntercept } from '../../src/cloud/testing/cloud.ts';
import { startTestManager } from '../../src/cloud/testing/manager.ts';
import { cpuSeconds } from './programs/cpu.ts';
import { type Client, closedLoop, openLoop, quantiles } from './programs/paced.ts';

const options = {
  seconds: { type: 'string', default: '10' },
  rate: { type: 'string', default: '2000' },
  previews: { type: 'string', default: '500' },
  profile: { type: 'boolean', default: false },
  serve: { type: 'string' },
} as const;
const { values } = parseArgs({ options });
const WARM_UP_MS = 4_000;
const BODY = 'x'.repeat(1_000);
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const SHOWN = 14;

/** What the cloud's process tells the others. */
interface Given {
  port: number;
  host: string;
  token: string;
  clusterUid: string;
  uids: string[];
  /** Head of a request to each preview. */
  requests: string[];
}

async function serveCloud(): Promise<Given> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-cloud-'));
  const cloud = await startTestCloud({ database: `sqlite:${path.join(folder, 'cloud.sqlite')}` });
  process.on('SIGTERM', () => {
    void cloud
      .close()
      .then(() => rm(folder, { recursive: true, force: true }))
      .then(() => process.exit(0));
  });
  const owner = await cloud.person('Ada');
  const { cluster, token } = await cloud.cluster(owner);
  const { hash } = await cloud.signIn(owner.user, owner.organisation);
  const uids: string[] = [];
  const requests: string[] = [];
  for (let i = 0; i < Number(values.previews); i++) {
    const preview = await cloud.preview(owner, cluster, { public: i % 2 === 0 });
    uids.push(preview.intercept.uid);
    const lines = [
      `GET /orders/${i}?expand=items HTTP/1.1`,
      `Host: ${preview.host}`,
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
      'Accept: text/html,application/xhtml+xml',
      'Accept-Encoding: gzip, deflate, br',
    ];
    if (!preview.public) {
      const { grant, redeem } = cloud.store.previewSessions;
      const given = await grant({ previewId: preview.id, userId: owner.user.id, sessionHash: hash, path: '/' });
      lines.push(`Cookie: app=1; telepresence-preview=${(await redeem(given, preview.id))?.secret ?? ''}`);
    }
    requests.push(`${lines.join('\r\n')}\r\n\r\n`);
  }
  return { port: cloud.port, host: new URL(cloud.config.url).host, token, clusterUid: cluster.uid, uids, requests };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
}

/** The cluster: a manager that links, and an app without an ingress before it that answers with as little work as can be. */
async function serveCluster({ port, host, token, clusterUid, uids }: Given): Promise<number> {
  const app = await listening(
    createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('end', () => socket.end());
      let rest = '';
      socket.on('data', (chunk) => {
        rest += chunk.toString('latin1');
        for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
          rest = rest.slice(end + 4);
          socket.write(ANSWER);
        }
      });
    }),
  );
  const intercepts = uids.map((uid) => testIntercept(uid, { connected: true, http: { headers: [], paths: [] } }));
  await startTestManager({ port, host, token, clusterUid, intercepts, dial: () => app });
  return app;
}

interface Part {
  name: string;
  child: ChildProcess;
  said: unknown;
}

async function start(name: string, flags: string[], given?: unknown): Promise<Part> {
  const args = [...flags, import.meta.filename, '--serve', name, '--previews', values.previews];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(given ?? {}));
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.endsWith('\n')) break;
  }
  return { name, child, said: JSON.parse(said) };
}

/** Self time by function, in per cent, of a `.cpuprofile`. */
function whereItGoes(file: string): string[] {
  const profile = JSON.parse(file) as {
    nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
    samples: number[];
    timeDeltas: number[];
  };
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === '' ? '' : ` (${url.replace(/^.*\/(node_modules|src)\//, '$1/')}:${lineNumber + 1})`;
      return [id, `${functionName || '(anonymous)'}${place}`];
    }),
  );
  const times = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? '';
    if (name !== '(idle)' && name !== '(program)') times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => `${((time / all) * 100).toFixed(1).padStart(5)} %  ${name}`);
}

async function bench(): Promise<void> {
  const profiles = await mkdtemp(path.join(tmpdir(), 'bench-profile-'));
  const cloud = await start('cloud', values.profile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : []);
  const given = cloud.said as Given;
  const cluster = await start('cluster', [], given);
  const parts = [cloud, cluster];
  process.on('exit', () => {
    for (const { child } of parts) child.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  const forMs = Number(values.seconds) * 1_000;
  const clients: Client[] = given.requests.map((request) => ({ port: given.port, request: Buffer.from(request), end: BODY.length }));
  const measured = async (what: string, run: (forMs: number) => Promise<{ times: number[]; failed: string[] }>) => {
    const before = parts.map(({ child }) => cpuSeconds(child.pid ?? 0));
    const begun = performance.now();
    const { times, failed } = await run(forMs);
    const took = performance.now() - begun;
    const cpu = parts.map(({ name, child }, i) => `${name} ${Math.round(((cpuSeconds(child.pid ?? 0) - (before[i] ?? 0)) * 1e6) / times.length)} µs`);
    const [p50, p99] = quantiles(times, [0.5, 0.99]);
    process.stdout.write(
      `${what}: ${Math.round((times.length * 1_000) / took)} requests a second, p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms, ${failed.length} failed; CPU a request: ${cpu.join(', ')}\n`,
    );
    for (const line of new Set(failed)) process.stdout.write(`  ${line}\n`);
  };
  try {
    await closedLoop(clients, WARM_UP_MS);
    await measured(`${clients.length} previews, as many as it takes`, (ms) => closedLoop(clients, ms));
    await measured(`${clients.length} previews, ${values.rate} a second`, (ms) => openLoop(clients, Number(values.rate), ms));
  } finally {
    cluster.child.kill('SIGKILL');
    const gone = new Promise((resolve) => cloud.child.once('exit', resolve));
    cloud.child.kill('SIGTERM');
    await gone;
  }
  for (const file of await readdir(profiles)) {
    process.stdout.write(`Where the cloud's time goes:\n${whereItGoes(await readFile(path.join(profiles, file), 'utf8')).join('\n')}\n`);
  }
  await rm(profiles, { recursive: true });
  process.exit(0);
}

const say = (what: unknown): unknown => process.stdout.write(`${JSON.stringify(what)}\n`);
if (values.serve === 'cloud') say(await serveCloud());
else if (values.serve === 'cluster') say(await serveCluster(JSON.parse(await text(process.stdin)) as Given));
else await bench();

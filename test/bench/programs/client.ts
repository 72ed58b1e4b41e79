/**
 * The load: one file without imports of ours, so that it runs in a pod as on the workstation. `client.ts JSON`; prints one line of JSON.
 * Raw sockets and fixed requests: on two shared cores what the generator burns is missing elsewhere. It tells its own CPU (`cpuMs`).
 */
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import tls from 'node:tls';

/** Where the requests go: a port, or a stream upgraded through an API server. */
export type Target = { host: string; port: number } | { apiHost: string; apiPort: number; path: string; certificate: string; key: string };
export type Task =
  | { mode: 'keepalive' | 'fresh'; target: Target; clients: number; seconds: number }
  | { mode: 'down' | 'up'; target: Target; clients: number; bytes: number }
  /** Small requests while a flow runs beside them. */
  | { mode: 'beside'; target: Target; flow: Target; direction: 'down' | 'up'; flows: number; seconds: number }
  | { mode: 'watch'; target: Target; seconds: number; everyMs: number }
  | { mode: 'dns'; server: string; names: string[]; count: number }
  | { mode: 'time'; command: string[]; times: number };

const TIMEOUT_MS = 10_000;
/** More than a flow moves while it is looked at. */
const ENDLESS = 2 ** 40;
/** A flow's windows have grown by then. */
const FLOW_GROWS_MS = 1_000;
const BESIDE_PAUSE_MS = 10;

const now = (): number => performance.now();

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function latencies(values: number[]): { p50: number; p99: number } {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

function connectTo(target: Target): net.Socket {
  if ('host' in target) return net.connect({ host: target.host, port: target.port, noDelay: true });
  return tls.connect({
    host: target.apiHost,
    port: target.apiPort,
    cert: target.certificate,
    key: target.key,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
}

/** A connected socket that nobody reads yet. */
function dial(target: Target): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(target);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    if ('host' in target) {
      socket.once('connect', () => resolve(socket));
      return;
    }
    socket.once('secureConnect', () => {
      socket.setNoDelay(true);
      socket.write(`GET ${target.path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: bench\r\n\r\n`);
    });
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      if (head.startsWith('HTTP/1.1 101')) resolve(socket);
      else reject(new Error(head.slice(0, 200)));
    };
    socket.on('data', onData);
  });
}

/** Total length of the answer whose beginning this is; undefined until its head is whole. */
function answerLength(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/.exec(text)?.[1];
  return end < 0 || length === undefined ? undefined : end + 4 + Number(length);
}

/** Says when an answer's last byte has come; `begin` before each, all of a connection's answers have the same length. */
class AnswerReader {
  #length: number | undefined;
  #head = '';
  #got = 0;

  begin(): void {
    this.#got = 0;
  }

  /** Whether the answer is whole. */
  add(chunk: Buffer): boolean {
    if (this.#length === undefined) {
      this.#head += chunk.toString('latin1');
      this.#length = answerLength(this.#head);
    }
    this.#got += chunk.length;
    return this.#got === this.#length;
  }
}

interface Asking {
  socket: net.Socket;
  until: number;
  /** Between an answer and the next request. */
  pauseMs?: number;
  /** Takes the milliseconds of each answered request. */
  times: number[];
}

/** Asks over one connection until the time is up; resolves with whether each request was answered, none of them after TIMEOUT_MS of silence. */
function askOver({ socket, until, pauseMs = 0, times }: Asking): Promise<boolean> {
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\n\r\n');
  return new Promise((resolve) => {
    const answer = new AnswerReader();
    let sent = 0;
    let waiting = false;
    const ask = (): void => {
      if (socket.destroyed) return;
      sent = now();
      answer.begin();
      waiting = true;
      socket.write(request);
    };
    socket.on('data', (chunk: Buffer) => {
      if (!answer.add(chunk)) return;
      const at = now();
      times.push(at - sent);
      waiting = false;
      if (at >= until) socket.destroy();
      else if (pauseMs > 0) setTimeout(ask, pauseMs);
      else ask();
    });
    socket.on('error', () => socket.destroy());
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.on('close', () => resolve(!waiting && now() >= until));
    ask();
  });
}

async function keepAlive(target: Target, clients: number, seconds: number): Promise<object> {
  const sockets = await Promise.all(Array.from({ length: clients }, () => dial(target)));
  const times: number[] = [];
  const begun = now();
  const until = begun + seconds * 1000;
  const answered = await Promise.all(sockets.map((socket) => askOver({ socket, until, times })));
  const failed = answered.filter((whole) => !whole).length;
  return { requests: times.length, rate: times.length / ((now() - begun) / 1000), ...latencies(times), failed };
}

/** Small requests at a pace over one connection, while another process moves bytes. */
async function beside(task: Extract<Task, { mode: 'beside' }>): Promise<object> {
  const { target, flow, direction, flows, seconds } = task;
  const without: Task = { mode: direction, target: flow, clients: flows, bytes: ENDLESS };
  const moving = spawn(process.execPath, [import.meta.filename, JSON.stringify(without)], { stdio: ['pipe', 'ignore', 'inherit'] });
  const gone = new Promise<void>((resolve) => moving.once('exit', () => resolve()));
  const socket = await dial(target);
  await new Promise((resolve) => setTimeout(resolve, FLOW_GROWS_MS));
  const times: number[] = [];
  const answered = await askOver({ socket, until: now() + seconds * 1000, pauseMs: BESIDE_PAUSE_MS, times });
  const flowing = moving.exitCode === null;
  moving.kill('SIGKILL');
  await gone;
  return { requests: times.length, ...latencies(times), most: quantile(times, 1), failed: answered && flowing ? 0 : 1 };
}

/** One request over a connection of its own, which the server closes; the time until the answer is whole. */
function askOnce(target: { host: string; port: number }): Promise<{ ms: number; who: string }> {
  return new Promise((resolve, reject) => {
    const begun = now();
    const socket = net.connect({ host: target.host, port: target.port, noDelay: true });
    const late = setTimeout(() => socket.destroy(new Error('timeout')), TIMEOUT_MS);
    let text = '';
    socket.once('connect', () => socket.write('GET /close HTTP/1.1\r\nHost: bench\r\n\r\n'));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.length !== answerLength(text)) return;
      clearTimeout(late);
      resolve({ ms: now() - begun, who: text.slice(text.indexOf('\r\n\r\n') + 4) });
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(late);
      reject(new Error('closed without an answer'));
    });
  });
}

async function fresh(target: Target, clients: number, seconds: number): Promise<object> {
  if (!('host' in target)) throw new Error('new connections need a host and a port');
  const times: number[] = [];
  const failures: Record<string, number> = {};
  const begun = now();
  const until = begun + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (now() < until) {
        try {
          times.push((await askOnce(target)).ms);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          failures[why] = (failures[why] ?? 0) + 1;
        }
      }
    }),
  );
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  return { requests: times.length, rate: times.length / ((now() - begun) / 1000), ...latencies(times), failed, failures };
}

async function bulk(mode: 'down' | 'up', target: Target, clients: number, bytes: number): Promise<object> {
  const sockets = await Promise.all(Array.from({ length: clients }, () => dial(target)));
  const begun = now();
  const each = await Promise.all(sockets.map((socket) => (mode === 'down' ? takeDown(socket, bytes) : sendUp(socket, bytes))));
  const seconds = (now() - begun) / 1000;
  const failed = each.filter((ms) => ms === undefined).length;
  const durations = each.filter((ms) => ms !== undefined);
  return { bytes: bytes * clients, mbits: (bytes * clients * 8) / seconds / 1e6, slowest: quantile(durations, 1) / quantile(durations, 0.5), failed };
}

function takeDown(socket: net.Socket, bytes: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const begun = now();
    const answer = new AnswerReader();
    socket.write(`GET /down/${bytes} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => {
      if (!answer.add(chunk)) return;
      resolve(now() - begun);
      socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(undefined));
  });
}

function sendUp(socket: net.Socket, bytes: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const begun = now();
    const block = Buffer.alloc(64 * 1024, 'x');
    let left = bytes;
    socket.write(`POST /up/${bytes} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    const go = (): void => {
      while (left > 0 && !socket.destroyed) {
        const piece = left >= block.length ? block : block.subarray(0, left);
        left -= piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', go);
          return;
        }
      }
    };
    socket.on('data', () => {
      resolve(left === 0 ? now() - begun : undefined);
      socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(undefined));
    go();
  });
}

/** Asks at a fixed pace; tells when each was asked and answered, by the clock on the wall, and by whom. */
async function watch(target: Target, seconds: number, everyMs: number): Promise<object> {
  if (!('host' in target)) throw new Error('watching needs a host and a port');
  const seen: { start: number; end: number; who: string }[] = [];
  const until = now() + seconds * 1000;
  const asked: Promise<void>[] = [];
  while (now() < until) {
    const start = Date.now();
    const note = (who: string): void => void seen.push({ start, end: Date.now(), who });
    asked.push(
      askOnce(target).then(
        ({ who }) => note(who),
        () => note('-'),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await Promise.all(asked);
  return { seen };
}

function query(id: number, name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2);
  head.writeUInt16BE(1, 4);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

/** Each name asked after the one before was answered. */
async function dns(server: string, names: string[], count: number): Promise<object> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.connect(53, server, resolve));
  const times: number[] = [];
  const codes: Record<number, number> = {};
  let failed = 0;
  for (let at = 0; at < count; at++) {
    const begun = now();
    const id = at % 65_536;
    const code = await new Promise<number | undefined>((resolve) => {
      const late = setTimeout(() => resolve(undefined), 2_000);
      socket.once('message', (message) => {
        clearTimeout(late);
        resolve(message.readUInt16BE(0) === id ? (message[3] ?? 0) & 15 : undefined);
      });
      socket.send(query(id, (names[at % names.length] ?? '').replace('%', String(at))));
    });
    if (code === undefined) failed++;
    else {
      times.push(now() - begun);
      codes[code] = (codes[code] ?? 0) + 1;
    }
  }
  socket.close();
  return { ...latencies(times), failed, codes };
}

function time(command: string[], times: number): object {
  const [file = '', ...args] = command;
  const ms: number[] = [];
  for (let at = 0; at < times; at++) {
    const begun = now();
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
    ms.push(now() - begun);
  }
  return { ms };
}

function perform(task: Task): Promise<object> | object {
  switch (task.mode) {
    case 'keepalive':
      return keepAlive(task.target, task.clients, task.seconds);
    case 'fresh':
      return fresh(task.target, task.clients, task.seconds);
    case 'down':
    case 'up':
      return bulk(task.mode, task.target, task.clients, task.bytes);
    case 'beside':
      return beside(task);
    case 'watch':
      return watch(task.target, task.seconds, task.everyMs);
    case 'dns':
      return dns(task.server, task.names, task.count);
    case 'time':
      return time(task.command, task.times);
    default: {
      const unknown: never = task;
      throw new Error(`no such task: ${JSON.stringify(unknown)}`);
    }
  }
}

/** Asked once: what a new connection costs is measured, not what its name does. */
async function resolved(task: Task): Promise<Task> {
  if (!('target' in task) || !('host' in task.target)) return task;
  const { address } = await lookup(task.target.host);
  return { ...task, target: { ...task.target, host: address } };
}

if (import.meta.main) {
  const result = await perform(await resolved(JSON.parse(process.argv[2] ?? '') as Task));
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ ...result, cpuMs: (user + system) / 1000 })}\n`);
  process.exit(0);
}

/**
 * `node test/bench/tls-chain.ts [--mib N] [--rounds N] [--flows N] [--env NAME=VALUE]… [--flag FLAG]…`: three bare processes with our mux and
 * relay — one that holds the bytes (plain TCP), one that relays (what the manager does), one that reads or writes (TLS, as a daemon) —
 * without a cluster. With --env or --flag the relaying process runs with and without them, in alternation. Prints CPU s a GB and memory.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { parseArgs } from 'node:util';
import { createLog } from '../../src/base/log.ts';
import { NODE_FLAGS } from '../../src/base/node-flags.ts';
import { dial } from '../../src/manager/outbound/tcp.ts';
import { mintCa, mintLeaf } from '../../src/manager/tls/certificates.ts';
import { createMux, type MuxStream } from '../../src/mux/index.ts';
import { relay } from '../../src/tunnel/index.ts';

const log = createLog((line) => process.stderr.write(line), 'error');
const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');

/** Sends `d` and then as many bytes as it is asked for, or takes what comes. */
async function holdBytes(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (first: Buffer) => {
      const [what, count] = first.toString('latin1', 0, first.indexOf(10)).split(' ');
      if (what !== 'down') {
        socket.on('data', () => undefined);
        socket.on('end', () => socket.end('done'));
        return;
      }
      let left = Number(count);
      const send = () => {
        while (left > 0) {
          left -= PIECE.length;
          if (!socket.write(PIECE)) return void socket.once('drain', send);
        }
        socket.end();
      };
      send();
    });
  });
  return listen(server);
}

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

async function relayTo(target: number): Promise<number> {
  const ca = await mintCa({ name: 'chain', now: Date.now() });
  const leaf = await mintLeaf({ ca, name: 'hop', hosts: ['hop', '127.0.0.1'], now: Date.now() });
  const server = createTlsServer({ cert: leaf.certificate, key: leaf.key, minVersion: 'TLSv1.2' }, (socket) => {
    socket.setNoDelay(true);
    createMux(socket, {
      role: 'server',
      log,
      onStream: (stream) => {
        dial('127.0.0.1', target, { signal: AbortSignal.timeout(5_000) }).then(
          (there) => relay(stream, there),
          () => stream.reset('refused'),
        );
      },
    });
  });
  return listen(server);
}

function drain(stream: MuxStream): Promise<number> {
  let bytes = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.once('end', () => resolve(bytes));
    stream.once('error', reject);
  });
}

async function workstation(port: number): Promise<(what: string, bytes: number, flows: number) => Promise<void>> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  const mux = createMux(socket, { role: 'client', log });
  const one = async (what: string, bytes: number) => {
    const stream = mux.open(Buffer.from(`${what} ${bytes}\n`));
    if (what === 'up') {
      for (let left = bytes; left > 0; left -= PIECE.length) if (!stream.write(PIECE)) await once(stream, 'drain');
    }
    stream.end();
    await drain(stream);
  };
  return async (what, bytes, flows) => void (await Promise.all(Array.from({ length: flows }, () => one(what, bytes / flows))));
}

interface Program {
  pid: number;
  ask(message: unknown): Promise<unknown>;
  kill(): void;
}
async function start(role: string, options: { flags?: string[]; env?: Record<string, string> } = {}): Promise<Program> {
  const child = fork(import.meta.filename, [role], { execArgv: [...NODE_FLAGS, ...(options.flags ?? [])], env: { ...process.env, ...options.env } });
  const ask = async (message: unknown): Promise<unknown> => {
    child.send(message as string);
    return (await once(child, 'message'))[0];
  };
  return { pid: child.pid ?? 0, ask, kill: () => child.kill('SIGKILL') };
}

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const rollup = (pid: number, what: string): number =>
  Number(new RegExp(`${what}: +(\\d+)`).exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mib: { type: 'string', default: '512' },
      rounds: { type: 'string', default: '5' },
      flows: { type: 'string', default: '1' },
      env: { type: 'string', multiple: true, default: [] },
      flag: { type: 'string', multiple: true, default: [] },
    },
  });
  const bytes = Number(values.mib) * MIB;
  const holder = await start('holder');
  const target = await holder.ask(0);
  const variants: { name: string; flags: string[]; env: Record<string, string> }[] = [{ name: 'as it is', flags: [], env: {} }];
  if (values.env.length + values.flag.length > 0)
    variants.push({
      name: [...values.env, ...values.flag].join(' '),
      flags: values.flag,
      env: Object.fromEntries(values.env.map((pair) => pair.split('=', 2) as [string, string])),
    });
  const results = new Map<string, { hop: number[]; work: number[]; mbit: number[]; memory: number[]; workMemory: number[] }>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { name, flags, env } of variants) {
      const hop = await start('hop', { flags, env });
      const port = await hop.ask(target);
      const work = await start('work', { flags, env });
      await work.ask(port);
      for (const what of ['down', 'up']) {
        await work.ask({ what, bytes: 32 * MIB, flows: 1 });
        const before = [cpuSeconds(hop.pid), cpuSeconds(work.pid)];
        const begun = performance.now();
        await work.ask({ what, bytes, flows: Number(values.flows) });
        const ms = performance.now() - begun;
        const key = `${what}, ${name}`;
        const row = results.get(key) ?? { hop: [], work: [], mbit: [], memory: [], workMemory: [] };
        results.set(key, row);
        const perGb = 1e9 / bytes;
        row.hop.push((cpuSeconds(hop.pid) - (before[0] ?? 0)) * perGb);
        row.work.push((cpuSeconds(work.pid) - (before[1] ?? 0)) * perGb);
        row.mbit.push((bytes * 8) / ms / 1000);
        row.memory.push(rollup(hop.pid, 'Pss'));
        row.workMemory.push(rollup(work.pid, 'Pss'));
      }
      hop.kill();
      work.kill();
    }
  }
  for (const [key, row] of results)
    process.stdout.write(
      `${key}: hop ${median(row.hop).toFixed(2)} s/GB, workstation ${median(row.work).toFixed(2)} s/GB, ${median(row.mbit).toFixed(0)} Mbit/s, PSS after: hop ${median(row.memory).toFixed(0)}, workstation ${median(row.workMemory).toFixed(0)} MiB\n`,
    );
  holder.kill();
}

const role = process.argv[2];
if (role === 'holder' || role === 'hop' || role === 'work') {
  process.on('disconnect', () => process.exit(0));
  let flow: ((what: string, bytes: number, flows: number) => Promise<void>) | undefined;
  process.on('message', (message) => {
    const answer = (async () => {
      if (role === 'holder') return holdBytes();
      if (role === 'hop') return relayTo(Number(message));
      if (flow === undefined) flow = await workstation(Number(message));
      else {
        const { what, bytes, flows } = message as { what: string; bytes: number; flows: number };
        await flow(what, bytes, flows);
      }
      return 'done';
    })();
    void answer.then((value) => process.send?.(value));
  });
} else {
  await bench();
  process.exit(0);
}

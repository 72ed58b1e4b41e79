/**
 * The workstation's end of the outbound tests: `node traffic-client.ts WHAT HOST [ARG…]` does one thing to a traffic server and prints
 * one line of JSON. It knows nothing of the tunnel: any program does the same.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Readable } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { bytesOf, echoService, PORT } from './traffic-wire.ts';

const [what = '', host = '', ...rest] = process.argv.slice(2);
const [first = 0, second = 0] = rest.map(Number);

const sha256 = async (stream: Readable): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

const request = (path: string, { agent, body }: { agent?: http.Agent; body?: Readable } = {}): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const req = http.request({ host, port: PORT.http, path, agent: agent ?? false, method: body === undefined ? 'GET' : 'POST' }, resolve);
    req.on('error', reject);
    if (body === undefined) req.end();
    else body.pipe(req);
  });

const text = async (response: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** Unlike `once(socket, 'close')` this does not reject for an error. */
const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

const percentile = (values: number[], part: number): number => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN;

/** Calls `one` `count` times, `parallel` at once. */
async function times(count: number, parallel: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** One whole connection: what came until its end, and how it ended. */
async function talk(
  port: number,
  { write, end = true, respond }: { write?: string | Readable; end?: boolean; respond?: (socket: net.Socket, chunk: Buffer) => void } = {},
): Promise<{ text: string; error?: string; ms: number }> {
  const started = performance.now();
  const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
  const chunks: Buffer[] = [];
  let error: string | undefined;
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message;
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    respond?.(socket, chunk);
  });
  if (typeof write === 'string') socket.write(write);
  if (write !== undefined && typeof write !== 'string') write.pipe(socket);
  else if (end) socket.end();
  await closed(socket);
  return { text: Buffer.concat(chunks).toString(), ms: performance.now() - started, ...(error === undefined ? {} : { error }) };
}

const actions: Record<string, () => Promise<unknown>> = {
  /** `bulk HOST FLOWS BYTES`: as many uploads and downloads at once. */
  async bulk() {
    let wrong = 0;
    const started = performance.now();
    await Promise.all(
      Array.from({ length: first }, async (_, seed) => {
        const expected = await sha256(bytesOf(seed, second));
        const [down, up] = await Promise.all([
          request(`/down?seed=${seed}&bytes=${second}`).then(sha256),
          request('/up', { body: bytesOf(seed, second) }).then(text),
        ]);
        if (down !== expected) wrong++;
        if (up !== expected) wrong++;
      }),
    );
    return { wrong, ms: performance.now() - started };
  },
  /** `short HOST COUNT PARALLEL`: a connection for each request. */
  async short() {
    const failed: Record<string, number> = {};
    const started = performance.now();
    await times(first, second, async () => {
      const { text: answer, error } = await talk(PORT.http, { write: 'GET / HTTP/1.0\r\n\r\n', end: false, respond: (socket) => socket.end() });
      if (error === undefined && answer.startsWith('HTTP/1.1 200 OK')) return;
      const key = error ?? (answer === '' ? 'empty' : answer.slice(0, 20));
      failed[key] = (failed[key] ?? 0) + 1;
    });
    return { failed, perSecond: first / ((performance.now() - started) / 1000) };
  },
  /**
   * `beside HOST SECONDS BULKHOST DIRECTION`: small requests on one connection, alone and while a bulk flow of another program runs. The
   * flow is another server's: the one thread of a server that is busy with a flow answers late whatever the way to it is.
   */
  async beside() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (): Promise<{ requests: number; p50: number; p99: number }> => {
      const end = performance.now() + first * 1000;
      const took: number[] = [];
      while (performance.now() < end) {
        const started = performance.now();
        await text(await request('/', { agent }));
        took.push(performance.now() - started);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return { requests: took.length, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
    };
    const alone = await ask();
    const flow = spawn(process.execPath, [process.argv[1] ?? '', 'flow', rest[1] ?? host, String(first + 1), rest[2] ?? 'down'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const moved = text(flow.stdout);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const beside = await ask();
    agent.destroy();
    return { alone, beside, bulkMiBs: (JSON.parse(await moved) as { mibs: number }).mibs };
  },
  /** `name HOST`: who answers. */
  name: async () => ({ text: await text(await request('/')) }),
  /** `flow HOST SECONDS DIRECTION`: a download or an upload that has no end. */
  async flow() {
    let bytes = 0;
    let ended = false;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
    };
    const onEnd = (): void => {
      ended = true;
    };
    if (rest[1] === 'up') {
      const body = bytesOf(1, 2 ** 40).on('data', count);
      request('/up', { body }).then(onEnd, onEnd);
    } else {
      const response = await request(`/down?seed=1&bytes=${2 ** 40}`);
      response
        .on('data', count)
        .on('error', () => undefined)
        .on('close', onEnd);
    }
    await new Promise((resolve) => setTimeout(resolve, first * 1000));
    if (ended) throw new Error(`the flow ended after ${bytes} bytes`);
    return { mibs: bytes / 2 ** 20 / first };
  },
  /** `streams HOST SECONDS`: a WebSocket and a gRPC stream that talk every 100 ms while bulk flows come and go. */
  async streams() {
    const end = performance.now() + first * 1000;
    const waits: number[] = [];
    const socket = new WebSocket(`ws://${host}:${PORT.http}/ws`);
    await once(socket, 'open');
    const EchoClient = grpc.makeGenericClientConstructor(echoService, 'Echo');
    const client = new EchoClient(`${host}:${PORT.grpc}`, grpc.credentials.createInsecure());
    const call = client.makeBidiStreamRequest(echoService.talk.path, echoService.talk.requestSerialize, echoService.talk.responseDeserialize);
    let lost: string | undefined;
    socket.on('close', (code) => {
      lost ??= `websocket closed with ${code}`;
    });
    call.on('error', (error: Error) => {
      lost ??= error.message;
    });
    const bulk = (async () => {
      for (let seed = 0; performance.now() < end; seed++) {
        const [down, up] = await Promise.all([
          request(`/down?seed=${seed}&bytes=${2 ** 24}`).then(sha256),
          request('/up', { body: bytesOf(seed, 2 ** 24) }).then(text),
        ]);
        if (down !== up) lost ??= 'a bulk flow was not byte-exact';
      }
    })();
    let turns = 0;
    for (; performance.now() < end && lost === undefined; turns++) {
      const message = Buffer.from(`turn ${turns}`);
      const started = performance.now();
      const signal = AbortSignal.timeout(10_000);
      const answers = Promise.all([once(socket, 'message', { signal }), once(call, 'data', { signal })]);
      socket.send(message);
      call.write(message);
      const [[fromSocket], [fromCall]] = (await answers) as unknown as [[Buffer], [Buffer]];
      if (!message.equals(fromSocket) || !message.equals(fromCall)) lost ??= `turn ${turns} came back as ${fromSocket.toString()} and ${fromCall.toString()}`;
      waits.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await bulk;
    socket.removeAllListeners('close');
    socket.terminate();
    call.end();
    client.close();
    return { lost, turns, p99: percentile(waits, 0.99) };
  },
  /** `udp HOST BYTES`: one datagram there and back. */
  async udp() {
    const socket = createSocket('udp4');
    const sent = Buffer.concat(await bytesOf(7, first).toArray());
    const started = performance.now();
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
    socket.send(sent, PORT.udp, host);
    const [message] = (await answer) as [Buffer];
    socket.close();
    return { same: sent.equals(message), ms: performance.now() - started };
  },
  /** `udp-refused HOST`: a connected socket learns that nobody listens. */
  'udp-refused': async () => {
    const socket = createSocket('udp4');
    socket.connect(PORT.nobody, host);
    await once(socket, 'connect');
    const started = performance.now();
    const failure = once(socket, 'message', { signal: AbortSignal.timeout(5_000) }).catch((error: NodeJS.ErrnoException) => error.code ?? error.name);
    socket.send('anybody?');
    const error = await failure;
    socket.close();
    return { error, ms: performance.now() - started };
  },
  'speaks-first': () =>
    talk(PORT.speaksFirst, { end: false, respond: (socket, chunk) => (chunk.toString().startsWith('220') ? socket.write('HELO\r\n') : socket.end()) }),
  'client-ends': async () => ({ ...(await talk(PORT.clientEnds, { write: bytesOf(3, 2 ** 20) })), expected: await sha256(bytesOf(3, 2 ** 20)) }),
  /** The client goes on writing 300 ms after the server has ended. */
  'server-ends': async () => {
    const socket = net.connect({ host, port: PORT.serverEnds, allowHalfOpen: true });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await once(socket, 'end');
    await new Promise((resolve) => setTimeout(resolve, 300));
    bytesOf(4, 2 ** 20).pipe(socket);
    await closed(socket);
    // the server hears the end a little later than this side has closed
    let seen: Record<string, string> = {};
    for (const end = performance.now() + 5_000; seen[PORT.serverEnds] === undefined && performance.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      seen = JSON.parse(await text(await request('/seen'))) as Record<string, string>;
    }
    return { text: answer, seen: seen[PORT.serverEnds], expected: await sha256(bytesOf(4, 2 ** 20)) };
  },
  'server-resets': () => talk(PORT.serverResets, { write: 'x', end: false }),
  'client-resets': async () => {
    const socket = net.connect({ host, port: PORT.echo });
    socket.write('x');
    await once(socket, 'data');
    socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return JSON.parse(await text(await request('/seen'))) as unknown;
  },
  refused: () => talk(PORT.nobody, { end: false }),
  /** `idle HOST SECONDS`: says nothing for so long, then something. */
  async idle() {
    const socket = net.connect({ host, port: PORT.echo });
    await once(socket, 'connect');
    await new Promise((resolve) => setTimeout(resolve, first * 1000));
    socket.end('still there');
    return { text: await text(socket) };
  },
};

async function main(): Promise<void> {
  const action = actions[what];
  if (action === undefined) throw new Error(`one of ${Object.keys(actions).join(', ')}`);
  process.stdout.write(`${JSON.stringify(await action())}\n`);
  process.exit(0);
}

// No await out here: as one CommonJS text it runs in a pod.
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});

/** `exec` and `attach`: a process's streams over WebSocket channels or SPDY streams. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecProcess } from '../contract.ts';
import { createChannelSocket } from './channel-socket.ts';
import { answerSpdy, answerWebSocket, offeredProtocol, refuseProtocol, wantsWebSocket } from './handshake.ts';
import { runProcess } from './run-process.ts';
import { createSpdySession, type SpdyStream } from './spdy-session.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };

export interface Wanted {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

export async function serveProcess(request: IncomingMessage, socket: Duplex, head: Buffer, wanted: Wanted, start: () => Promise<ExecProcess>): Promise<void> {
  const protocol = offeredProtocol(request, PROTOCOLS);
  if (protocol === undefined) {
    refuseProtocol(socket);
    return;
  }
  if (wantsWebSocket(request)) {
    answerWebSocket(request, socket, head, protocol);
    await overChannels(socket, wanted, start);
  } else {
    answerSpdy(socket, head, protocol);
    await overSpdy(socket, wanted, start);
  }
}

async function overChannels(socket: Duplex, { stdin, stdout, stderr, tty }: Wanted, start: () => Promise<ExecProcess>): Promise<void> {
  const channels = createChannelSocket(socket);
  // Tells the client that it may begin.
  channels.send(stdout ? CHANNEL.stdout : stderr && !tty ? CHANNEL.stderr : CHANNEL.error, Buffer.alloc(0));
  await runProcess(start, {
    stdin: stdin ? channels.readable(CHANNEL.stdin) : undefined,
    stdout: stdout ? channels.writable(CHANNEL.stdout) : undefined,
    stderr: stderr && !tty ? channels.writable(CHANNEL.stderr) : undefined,
    error: channels.writable(CHANNEL.error),
    resize: tty ? channels.readable(CHANNEL.resize) : undefined,
    closed: channels.closed,
  });
  channels.close();
}

async function overSpdy(socket: Duplex, { stdin, stdout, stderr, tty }: Wanted, start: () => Promise<ExecProcess>): Promise<void> {
  const expected = ['error', ...(stdin ? ['stdin'] : []), ...(stdout ? ['stdout'] : []), ...(stderr && !tty ? ['stderr'] : []), ...(tty ? ['resize'] : [])];
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const session = createSpdySession(socket, (stream) => {
    streams.set(stream.headers['streamtype'] ?? '', stream);
    if (expected.every((type) => streams.has(type))) complete.resolve();
  });
  await Promise.race([complete.promise, session.closed]);
  const error = streams.get('error');
  if (error === undefined) return;
  // Only one direction of each is used; the others' ends must be read for the streams to close.
  for (const type of ['error', 'stdout', 'stderr']) streams.get(type)?.resume();
  await runProcess(start, {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    error,
    resize: streams.get('resize'),
    closed: session.closed,
  });
  session.close();
}

/** One question to a container: what probes and lifecycle hooks have in common. */

import { lookup } from 'node:dns/promises';
import { connect as connectHttp2 } from 'node:http2';
import { isIPv4, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Container, ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction } from 'kubernetes-types/core/v1.js';
import { codeOf, messageOf } from '../../../base/errors.ts';
import { request as httpRequest } from '../../../base/node-http.ts';
import type { NetworkNamespace } from '../../network/namespaces.ts';
import type { Program } from '../runtime/protocol.ts';
import type { CommandDeps } from './run-command.ts';
import { runCommand } from './run-command.ts';

export interface Question {
  exec?: ExecAction;
  httpGet?: HTTPGetAction;
  tcpSocket?: TCPSocketAction;
  grpc?: GRPCAction;
}

export interface Asked {
  deps: CommandDeps;
  container: Container;
  /** Its address, as the node reaches it, and the node's network, from which it is asked. */
  ip: string;
  node: NetworkNamespace;
  /** The container's process, and what a command beside it runs with. */
  pid: number;
  program: Omit<Program, 'standard'>;
}

/** `message` says what went wrong. */
export interface Answer {
  ok: boolean;
  message: string;
}

/** As Go's net package words them. */
const CONNECT_FAILURES: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ECONNRESET: 'connection reset by peer',
};
const BODY_SHOWN = 10 * 1024;
const SERVING = 1;

export async function ask(question: Question, asked: Asked, timeoutMs: number): Promise<Answer> {
  try {
    if (question.exec !== undefined) return await askCommand(question.exec.command ?? [], asked, timeoutMs);
    if (question.httpGet !== undefined) return await askHttp(question.httpGet, asked, timeoutMs);
    if (question.tcpSocket !== undefined) return await askTcp(question.tcpSocket, asked, timeoutMs);
    if (question.grpc !== undefined) return await askGrpc(question.grpc, asked, timeoutMs);
    return { ok: true, message: '' };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

async function askCommand(argv: string[], { deps, pid, program }: Asked, timeoutMs: number): Promise<Answer> {
  const { code, output, timedOut } = await runCommand(deps, pid, { ...program, argv }, timeoutMs);
  if (timedOut) return { ok: false, message: `command timed out: ${JSON.stringify(argv.join(' '))} timed out after ${timeoutMs / 1000}s` };
  return { ok: code === 0, message: output };
}

function portOf(port: string | number, { ports }: Container): number {
  if (typeof port === 'number') return port;
  const named = (ports ?? []).find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (Number.isNaN(named)) throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
  return named;
}

/** @throws with a kubelet's words */
async function dial({ node }: Asked, host: string, port: number, timeoutMs: number): Promise<Socket> {
  const ip = isIPv4(host) ? host : (await lookup(host, { family: 4 })).address;
  try {
    return await node.dial(ip, port, timeoutMs);
  } catch (error) {
    const why = CONNECT_FAILURES[codeOf(error) ?? ''];
    throw why === undefined ? error : new Error(`dial tcp ${host}:${port}: connect: ${why}`, { cause: error });
  }
}

async function askHttp(action: HTTPGetAction, asked: Asked, timeoutMs: number): Promise<Answer> {
  const secure = action.scheme === 'HTTPS';
  const path = action.path === undefined || action.path === '' ? '/' : action.path.replace(/^(?!\/)/, '/');
  const [host, port] = [action.host || asked.ip, portOf(action.port, asked.container)];
  const failed = (why: string): Answer => ({ ok: false, message: `Get "${secure ? 'https' : 'http'}://${host}:${port}${path}": ${why}` });
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const deadline = performance.now() + timeoutMs;
  let socket: Socket;
  try {
    socket = await dial(asked, host, port, timeoutMs);
  } catch (error) {
    return failed(messageOf(error));
  }
  return await new Promise((resolve) => {
    const createConnection = () => (secure ? connectTls({ socket, rejectUnauthorized: false }) : socket);
    // without a word of agents: one, and `false` as well, makes connections of its own
    const request = httpRequest({ host, port, path, headers, createConnection });
    const timer = setTimeout(
      () => request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
      deadline - performance.now(),
    );
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    request.on('error', (error) => done(failed(error.message)));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      let size = 0;
      response.on('error', () => done({ ok: false, message: 'the answer broke off' }));
      response.on('data', (bytes: Buffer) => {
        size += bytes.length;
        // a redirect or an error tells all by its status, and nobody looks at a long body
        if (size > BODY_SHOWN) response.destroy();
      });
      const ok = status >= 200 && status < 400;
      response.on('close', () => done({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${status}` }));
    });
    request.end();
  });
}

async function askTcp(action: TCPSocketAction, asked: Asked, timeoutMs: number): Promise<Answer> {
  const socket = await dial(asked, action.host || asked.ip, portOf(action.port, asked.container), timeoutMs);
  socket.destroy();
  return { ok: true, message: '' };
}

/** grpc.health.v1.Health/Check: a message with one string, an answer with one number. */
async function askGrpc({ port, service = '' }: GRPCAction, asked: Asked, timeoutMs: number): Promise<Answer> {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const late = `timeout: failed to connect service "${asked.ip}:${port}" within ${timeoutMs / 1000}s`;
  const deadline = performance.now() + timeoutMs;
  const socket = await dial(asked, asked.ip, port, timeoutMs);
  return await new Promise((resolve) => {
    const session = connectHttp2(`http://${asked.ip}:${port}`, { createConnection: () => socket });
    const timer = setTimeout(() => done({ ok: false, message: late }), deadline - performance.now());
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      session.destroy();
      socket.destroy();
      resolve(answer);
    };
    session.on('error', (error) => done({ ok: false, message: error.message }));
    const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers' });
    const chunks: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => chunks.push(bytes));
    stream.on('error', (error) => done({ ok: false, message: error.message }));
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      const ok = body.length >= 7 && body[5] === 0x08 && body[6] === SERVING;
      done({ ok, message: ok ? '' : 'service unhealthy (responded with "NOT_SERVING")' });
    });
    stream.end(frame);
  });
}

/** One question to a container: what probes and lifecycle hooks have in common. */

import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction } from 'kubernetes-types/core/v1.js';
import { messageOf } from '../../../base/errors.ts';
import { request as httpRequest } from '../../../base/node-http.ts';
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
  /** Its address, as the node reaches it. */
  ip: string;
  /** The container's process, and what a command beside it runs with. */
  pid: number;
  program: Omit<Program, 'standard'>;
}

/** `message` says what went wrong. */
export interface Answer {
  ok: boolean;
  message: string;
}

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

function askHttp(action: HTTPGetAction, { container, ip }: Asked, timeoutMs: number): Promise<Answer> {
  const secure = action.scheme === 'HTTPS';
  const path = action.path === undefined || action.path === '' ? '/' : action.path;
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const options = {
    host: action.host || ip,
    port: portOf(action.port, container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers,
    agent: false as const,
  };
  return new Promise((resolve) => {
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    const timer = setTimeout(() => request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')), timeoutMs);
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    request.on('error', (error) =>
      done({ ok: false, message: `Get "${secure ? 'https' : 'http'}://${options.host}:${options.port}${options.path}": ${error.message}` }),
    );
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

function askTcp(action: TCPSocketAction, { container, ip }: Asked, timeoutMs: number): Promise<Answer> {
  const [host, port] = [action.host || ip, portOf(action.port, container)];
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('i/o timeout')), timeoutMs);
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('error', (error) => done({ ok: false, message: `dial tcp ${host}:${port}: ${error.message}` }));
    socket.on('connect', () => done({ ok: true, message: '' }));
  });
}

/** grpc.health.v1.Health/Check: a message with one string, an answer with one number. */
function askGrpc({ port, service = '' }: GRPCAction, { ip }: Asked, timeoutMs: number): Promise<Answer> {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${ip}:${port}`);
    const timer = setTimeout(() => done({ ok: false, message: `timeout: failed to connect service "${ip}:${port}" within ${timeoutMs / 1000}s` }), timeoutMs);
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      session.destroy();
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

/** Raw HTTP/1.1 clients and small servers for tests of the agent's HTTP side. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from './http-agent.ts';

export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.on('connection', (socket: Socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export const named =
  (name: string): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(`${name} ${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`));
  };

export async function setup(
  app: RequestListener = named('app'),
  mine: RequestListener = named('mine'),
  more: Record<string, unknown> = {},
): Promise<HttpAgent> {
  const agent = await startHttpAgent(await listen(createServer(app)));
  cleanups.push(() => agent.close());
  agent.set([{ port: await listen(createServer(mine)), http: byHeader('x-who', 'me'), ...more }]);
  return agent;
}

/** A tunnel to a port where nobody listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Raw {
  text = '';
  readonly socket: Socket;
  ended = false;
  error: string | undefined;
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.setMaxListeners(0);
    cleanups.push(() => this.socket.destroy());
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      for (const event of ['data', 'end', 'close']) this.socket.once(event, () => resolve());
    });
  }

  write(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async until(condition: (text: string) => boolean): Promise<string> {
    while (!condition(this.text)) {
      if (this.ended || this.socket.destroyed) throw new Error(`ended with ${JSON.stringify(this.text)}`);
      await this.#change();
    }
    return this.text;
  }

  async end(): Promise<string> {
    while (!this.ended && !this.socket.destroyed) await this.#change();
    return this.text;
  }
}

export const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
export const MINE = 'X-Who: me\r\n';
export const count = (text: string, part: string) => text.split(part).length - 1;

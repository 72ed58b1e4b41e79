/** A connection through a SOCKS5 proxy (RFC 1928, user and password as in RFC 1929). Names are resolved by the proxy. */
import { once } from 'node:events';
import net from 'node:net';
import { CodedError, messageOf } from '../base/errors.ts';

const REPLIES = [
  '',
  'it failed',
  'its rules forbid it',
  'the network is unreachable',
  'the host is unreachable',
  'the connection was refused',
  'the time to live ran out',
  'it does not know the command',
  'it does not know the kind of address',
];

export async function socksConnect(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  signal.throwIfAborted();
  const socket = net.connect({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port === '' ? 1080 : Number(proxy.port), noDelay: true });
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  const stop = () => socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await once(socket, 'connect');
    const withPassword = proxy.username !== '';
    socket.write(withPassword ? Buffer.from([5, 2, 0, 2]) : Buffer.from([5, 1, 0]));
    const method = (await take(socket, 2))[1];
    if (method === 2 && withPassword) {
      const user = Buffer.from(decodeURIComponent(proxy.username));
      const password = Buffer.from(decodeURIComponent(proxy.password));
      socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]));
      if ((await take(socket, 2))[1] !== 0) throw new Error('it does not accept the user name and password');
    } else if (method !== 0) throw new Error('it wants a way to log in that is not offered');
    socket.write(Buffer.concat([Buffer.from([5, 1, 0]), encodeAddress(host), Buffer.from([port >> 8, port & 255])]));
    const reply = await take(socket, 5);
    const code = reply[1] ?? 1;
    if (code !== 0) throw new Error(REPLIES[code] ?? `it answers with code ${code}`);
    // What is left of the bound address, of which the first byte was read, and of the port.
    await take(socket, (reply[3] === 1 ? 3 : reply[3] === 4 ? 15 : (reply[4] ?? 0)) + 2);
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw new CodedError(
      'TP-KUBE-UNREACHABLE',
      `The proxy ${proxy.protocol}//${proxy.host} gives no connection to ${host}:${port}: ${messageOf(failure ?? error)}.`,
      { cause: error, help: 'Check proxy-url in the kubeconfig, and HTTPS_PROXY and NO_PROXY in the environment.' },
    );
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function encodeAddress(host: string): Buffer {
  if (net.isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** Exactly `count` bytes; what came behind them stays in the socket. */
async function take(socket: net.Socket, count: number): Promise<Buffer> {
  for (;;) {
    const chunk: Buffer | null = socket.read(count);
    if (chunk !== null) {
      if (chunk.length < count) throw new Error('it closed the connection');
      return chunk;
    }
    if (socket.readableEnded || socket.destroyed) throw new Error('it closed the connection');
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('readable', done).off('end', done).off('close', done);
        resolve();
      };
      socket.on('readable', done).on('end', done).on('close', done);
    });
  }
}

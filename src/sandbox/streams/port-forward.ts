/** `portforward`: connections to ports inside a pod's network, over SPDY (plain, or inside a WebSocket) or WebSocket channels. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf } from '../../base/errors.ts';
import { createWebSocketStream } from '../../kube/websocket.ts';
import { StatusError } from '../contract.ts';
import { createChannelSocket } from './channel-socket.ts';
import { answerSpdy, answerWebSocket, offeredProtocol, refuseProtocol, wantsWebSocket } from './handshake.ts';
import { FORWARD_PAIR_TIMEOUT_MS } from './limits.ts';
import { createSpdySession, type SpdyStream } from './spdy-session.ts';

const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
const CHANNELS = ['v4.channel.k8s.io', 'v5.channel.k8s.io'];
const PLAIN = 'portforward.k8s.io';

type Dial = (port: number) => Promise<Duplex>;

export async function servePortForward(request: IncomingMessage, socket: Duplex, head: Buffer, ports: number[], dial: Dial): Promise<void> {
  if (!wantsWebSocket(request)) {
    answerSpdy(socket, head, offeredProtocol(request, [PLAIN]) ?? PLAIN);
    await overSpdy(socket, dial);
    return;
  }
  const protocol = offeredProtocol(request, [TUNNEL, ...CHANNELS]);
  if (protocol === undefined) {
    refuseProtocol(socket);
    return;
  }
  if (protocol !== TUNNEL && ports.length === 0) throw new StatusError(400, 'BadRequest', 'query parameter "port" is required');
  answerWebSocket(request, socket, head, protocol);
  if (protocol === TUNNEL) await overSpdy(createWebSocketStream(socket, { role: 'server' }), dial);
  else await overChannels(socket, ports, dial);
}

const sentence = (port: number, error: unknown) => `an error occurred forwarding ${port}: failed to connect to localhost:${port}: ${messageOf(error)}`;

/** Each connection is two streams with the same `requestid`: `data`, and `error` for a sentence when something fails. */
async function overSpdy(connection: Duplex, dial: Dial): Promise<void> {
  const waiting = new Map<string, SpdyStream>();
  const session = createSpdySession(connection, (stream) => {
    const { requestid = '', streamtype = '' } = stream.headers;
    const other = waiting.get(requestid);
    if (other === undefined) {
      waiting.set(requestid, stream);
      const timer = setTimeout(() => {
        if (waiting.get(requestid) === stream) waiting.delete(requestid);
        stream.destroy();
      }, FORWARD_PAIR_TIMEOUT_MS);
      stream.once('close', () => clearTimeout(timer));
      stream.once('paired', () => clearTimeout(timer));
      return;
    }
    waiting.delete(requestid);
    other.emit('paired');
    const [data, error] = streamtype === 'data' ? [stream, other] : [other, stream];
    void forward(data, error, Number(data.headers['port'] ?? 0), dial);
  });
  await session.closed;
}

async function forward(data: SpdyStream, error: SpdyStream, port: number, dial: Dial): Promise<void> {
  error.resume();
  try {
    const target = await dial(port);
    target.on('error', () => data.end());
    data.on('close', () => target.destroy());
    data.pipe(target);
    target.pipe(data);
    // A client that is gone, a pod that is gone: both end the connection without a word.
    await Promise.allSettled([finished(target), finished(data)]);
    target.destroy();
  } catch (thrown) {
    error.write(sentence(port, thrown));
    data.end();
  }
  error.end();
}

/** Two channels for each port of the query: `2n` data, `2n + 1` error. Each begins with the port's number, little-endian. */
async function overChannels(socket: Duplex, ports: number[], dial: Dial): Promise<void> {
  const channels = createChannelSocket(socket);
  const number = (port: number) => Buffer.from([port & 0xff, port >> 8]);
  await Promise.all(
    ports.map(async (port, index) => {
      const incoming = channels.readable(index * 2);
      channels.send(index * 2, number(port));
      channels.send(index * 2 + 1, number(port));
      const outgoing = channels.writable(index * 2);
      try {
        const target = await dial(port);
        target.on('error', () => outgoing.end());
        void channels.closed.then(() => target.destroy());
        incoming.pipe(target);
        target.pipe(outgoing);
        await finished(outgoing).catch(() => {});
        target.destroy();
      } catch (thrown) {
        channels.send(index * 2 + 1, Buffer.from(sentence(port, thrown)));
      }
    }),
  );
  channels.close();
}

/** One listener: UDP and TCP on the same port, on every place where redirected queries can arrive. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { createFrameReader, frameMessage, isMessage, isResponse } from '../../dns/index.ts';
import type { ListenPlace } from './local-addresses.ts';

/** A client's connection without a query in flight is closed after this (RFC 7766 6.2.3 asks for seconds). */
export const CLIENT_TCP_IDLE_MS = 30_000;
export const CLIENT_TCP_CONNECTIONS = 256;
/** Queries of one connection in work before we stop reading it. */
export const CLIENT_TCP_PIPELINE = 64;
/** Answers that a client does not read: beyond this its connection is cut. */
export const CLIENT_TCP_UNREAD_LIMIT = 1024 * 1024;
export const LISTEN_TRIES = 20;

export interface ClientQuery {
  message: Buffer;
  tcp: boolean;
  /** At most once over UDP, more often for a zone transfer. */
  reply(answer: Buffer): void;
  /** The previous resolver hung up: so do we. */
  fail(): void;
}

export interface Listener {
  readonly port: number;
  /** Listens on places that are new, and leaves those that are gone. */
  update(places: ListenPlace[]): Promise<void>;
  close(): void;
}

interface Bound {
  udp: UdpSocket;
  tcp: Server;
  place: ListenPlace;
}

export async function createListener(options: { places: ListenPlace[]; port?: number; log: Log; onQuery: (query: ClientQuery) => void }): Promise<Listener> {
  const { log, onQuery } = options;
  const bound = new Map<string, Bound>();
  const clients = new Set<Socket>();
  let port = options.port ?? 0;

  function serveUdp(udp: UdpSocket, place: ListenPlace): void {
    udp.on('error', (error) => log.debug('a DNS listener failed', { address: place.address, error }));
    udp.on('message', (message, from) => {
      if (!place.accepts(from.address) || !isMessage(message) || isResponse(message)) return;
      const reply = (answer: Buffer) => {
        if (bound.get(place.address)?.udp !== udp) return;
        udp.send(answer, from.port, from.address, (error) => {
          if (error) log.debug('could not answer a DNS query', { error: messageOf(error) });
        });
      };
      onQuery({ message, tcp: false, reply, fail: () => {} });
    });
  }

  function serveTcp(socket: Socket, place: ListenPlace): void {
    if (clients.size >= CLIENT_TCP_CONNECTIONS || !place.accepts(socket.remoteAddress ?? '')) return void socket.destroy();
    clients.add(socket);
    const frames = createFrameReader();
    let working = 0;
    socket.setNoDelay(true);
    socket.setTimeout(CLIENT_TCP_IDLE_MS);
    socket.on('timeout', () => socket.destroy());
    socket.on('error', (error) => log.debug("a DNS client's connection failed", { error }));
    socket.on('end', () => {
      if (working === 0) socket.end();
    });
    socket.on('close', () => clients.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const message of frames.push(chunk)) {
        if (!isMessage(message) || isResponse(message)) return void socket.destroy();
        working++;
        if (working >= CLIENT_TCP_PIPELINE) socket.pause();
        let open = true;
        const reply = (answer: Buffer) => {
          if (open) {
            open = false;
            working--;
            if (working < CLIENT_TCP_PIPELINE) socket.resume();
          }
          if (!socket.writable) return;
          socket.write(frameMessage(answer));
          if (socket.writableLength > CLIENT_TCP_UNREAD_LIMIT) socket.destroy();
          else if (working === 0 && socket.readableEnded) socket.end();
        };
        onQuery({ message, tcp: true, reply, fail: () => socket.destroy() });
      }
    });
  }

  async function bind(place: ListenPlace, wanted: number): Promise<Bound> {
    const udp = createSocket({ type: place.family === 4 ? 'udp4' : 'udp6', ...(place.family === 6 && { ipv6Only: true }) });
    const tcp = createServer({ allowHalfOpen: true }, (socket) => serveTcp(socket, place));
    try {
      // TCP first: of its ports many more are in use than of UDP's.
      tcp.listen({ port: wanted, host: place.address, ...(place.family === 6 && { ipv6Only: true }) });
      await once(tcp, 'listening');
      udp.bind({ port: (tcp.address() as AddressInfo).port, address: place.address });
      await once(udp, 'listening');
    } catch (thrown) {
      udp.close();
      tcp.close();
      throw thrown;
    }
    tcp.on('error', (error) => log.debug('a DNS listener failed', { address: place.address, error }));
    serveUdp(udp, place);
    return { udp, tcp, place };
  }

  function unbind(address: string): void {
    const entry = bound.get(address);
    bound.delete(address);
    entry?.udp.close();
    entry?.tcp.close();
  }

  async function bindAll(places: ListenPlace[]): Promise<void> {
    for (const place of places) {
      const entry = await bind(place, port);
      port = entry.udp.address().port;
      bound.set(place.address, entry);
    }
  }

  for (let tries = 1; ; tries++) {
    try {
      await bindAll(options.places);
      break;
    } catch (thrown) {
      for (const address of [...bound.keys()]) unbind(address);
      // The port that TCP was given may be taken on UDP, or on another address: take another for all of them.
      if (codeOf(thrown) !== 'EADDRINUSE' || options.port !== undefined || tries === LISTEN_TRIES) throw thrown;
      port = 0;
    }
  }

  return {
    port,
    async update(places) {
      const wanted = new Set(places.map(({ address }) => address));
      for (const address of [...bound.keys()]) if (!wanted.has(address)) unbind(address);
      for (const place of places) {
        const known = bound.get(place.address);
        if (known !== undefined) {
          known.place.accepts = place.accepts;
          continue;
        }
        try {
          bound.set(place.address, await bind(place, port));
        } catch (thrown) {
          // An address can go, or be only tentative, at any moment: the next update tries again.
          log.debug('cannot listen for DNS there', { address: place.address, error: messageOf(thrown) });
        }
      }
    },
    close() {
      for (const address of [...bound.keys()]) unbind(address);
      for (const socket of clients) socket.destroy();
    },
  };
}

/** Captured TCP: accepts what nft redirected here, and joins it to a stream of the tunnel. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError, codeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { CAPTURE_BACKLOG, FIRST_BYTES_WAIT_MS } from './limits.ts';
import { createDestinationReader, type Destination } from './original-destination.ts';

export interface CaptureOptions {
  log: Log;
  /** Opens the stream; `first` are bytes that the client has written already and that should travel with the opening. Throws or rejects when refused. */
  dial: (target: Destination, first: Uint8Array | undefined) => Promise<Duplex> | Duplex;
  /** Joins both until both are closed; takes them over. */
  relay: (client: Duplex, stream: Duplex) => Promise<unknown>;
  /** Whether an address is the cluster's: everything else that arrives is dropped. */
  isCaptured: (ip: string) => boolean;
  /** For tests without nft. */
  readDestination?: (socket: Socket) => Destination | undefined;
  firstBytesWaitMs?: number;
}

export interface Capture {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Accepts no more and resets what is open. Idempotent. */
  close(): Promise<void>;
}

async function listen(server: Server): Promise<number> {
  // All addresses: from the output hook the kernel redirects to loopback, from a bridge to that bridge's address.
  try {
    server.listen({ host: '::', port: 0, backlog: CAPTURE_BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error) ?? '')) throw error;
    server.listen({ host: '0.0.0.0', port: 0, backlog: CAPTURE_BACKLOG });
    await once(server, 'listening');
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new CodedError('TP-INTERNAL', 'The capture listener has no port.');
  return address.port;
}

/** Calls `then` once, when the client's first bytes (or its end) are there, or after `waitMs`. */
function afterFirstBytes(socket: Socket, waitMs: number, then: () => void): void {
  const go = () => {
    clearTimeout(timer);
    clearImmediate(immediate);
    socket.off('readable', go);
    then();
  };
  let immediate: NodeJS.Immediate | undefined;
  // Timers come before sockets in a loop turn: on a busy loop the bytes may lie there, still unread.
  const timer = setTimeout(() => {
    immediate = setImmediate(go);
  }, waitMs);
  socket.on('readable', go);
}

export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const { log, dial, relay, isCaptured, readDestination = createDestinationReader(), firstBytesWaitMs = FIRST_BYTES_WAIT_MS } = options;
  const open = new Set<Socket>();
  let port = 0;

  const join = (socket: Socket, target: Destination, stream: Duplex): void => {
    if (socket.destroyed) {
      // The client went while the stream was being opened.
      stream.on('error', (error) => log.debug('a stream without a client failed', { error }));
      stream.destroy();
      return;
    }
    relay(socket, stream).catch((error: unknown) => {
      log.debug('a captured connection broke', { ...target, error });
      socket.resetAndDestroy();
      stream.destroy();
    });
  };

  const refuse = (socket: Socket, target: Destination, error: unknown): void => {
    log.debug('a captured connection was refused', { ...target, error });
    socket.resetAndDestroy();
  };

  const start = (socket: Socket, target: Destination): void => {
    if (socket.destroyed) return;
    // read() only where something is buffered: on an ended socket it would emit the end before the relay listens.
    const first = socket.readableLength > 0 ? (socket.read() as Buffer | null) : null;
    try {
      const stream = dial(target, first ?? undefined);
      if (stream instanceof Promise) {
        stream.then(
          (opened) => join(socket, target, opened),
          (error: unknown) => refuse(socket, target, error),
        );
      } else {
        join(socket, target, stream);
      }
    } catch (error) {
      refuse(socket, target, error);
    }
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', (error) => log.trace('a captured connection failed', { error }));
    const target = readDestination(socket);
    // Addressed to this listener itself, or to no address of the cluster: somebody knocks who has no business here.
    if (target === undefined || !isCaptured(target.host) || (target.port === port && socket.localAddress?.replace('::ffff:', '') === target.host)) {
      log.debug('dropped a connection that was not captured', { from: socket.remoteAddress, ...target });
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    afterFirstBytes(socket, firstBytesWaitMs, () => start(socket, target));
  });
  server.on('error', (error) => log.error('the capture listener failed', { error }));
  port = await listen(server);
  log.debug('capturing', { port });

  return {
    port,
    get connections() {
      return open.size;
    },
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.resetAndDestroy();
      await closed;
    },
  };
}

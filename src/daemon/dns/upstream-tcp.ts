/** Queries to the previous resolvers over TCP: connections from the exempt ports, reused and pipelined (RFC 7766). */
import { connect, type Socket } from 'node:net';
import { codeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { answersQuestion, createFrameReader, type DnsQuestion, frameMessage, idOf, isMessage, questionOf, TYPE, withId } from '../../dns/index.ts';
import { EXEMPT_PORTS, type PortRange } from './exempt-ports.ts';
import { UPSTREAM_PENDING_MS } from './upstream-udp.ts';

/** A connection without a query is closed after this; servers do it after 10 s to 30 s. */
export const UPSTREAM_TCP_IDLE_MS = 8000;
/** Queries on one connection before another is opened, and connections to one server. */
export const UPSTREAM_TCP_PIPELINE = 100;
export const UPSTREAM_TCP_CONNECTIONS = 8;

interface Pending {
  query: Buffer;
  question: DnsQuestion | undefined;
  /** AXFR and IXFR are answered by many messages. */
  many: boolean;
  answered: boolean;
  retried: boolean;
  onAnswer(answer: Buffer): void;
  onFailure(): void;
  timer: NodeJS.Timeout;
}

interface Connection {
  socket: Socket;
  pending: Map<number, Pending>;
  nextId: number;
}

export interface UpstreamTcp {
  /** Sends the query; `onFailure` when the server can't be reached or hangs up. Returns how to give it up. */
  send(server: string, query: Buffer, onAnswer: (answer: Buffer) => void, onFailure: () => void): () => void;
  close(): void;
}

export function createUpstreamTcp({ range, port, log }: { range: PortRange; port: number; log: Log }): UpstreamTcp {
  const pools = new Map<string, Set<Connection>>();
  let turn = Math.floor(Math.random() * EXEMPT_PORTS);

  function open(server: string, tries: number): Connection {
    const connection: Connection = { socket: connectFrom(server), pending: new Map(), nextId: 0 };
    const pool = pools.get(server) ?? new Set();
    pools.set(server, pool.add(connection));
    use(connection, server, tries);
    return connection;
  }

  function connectFrom(server: string): Socket {
    turn = (turn + 1) % EXEMPT_PORTS;
    const socket = connect({ host: server, port, localPort: range.first + turn });
    socket.setNoDelay(true);
    socket.setTimeout(UPSTREAM_TCP_IDLE_MS);
    return socket;
  }

  function use(connection: Connection, server: string, tries: number): void {
    const { socket, pending } = connection;
    const frames = createFrameReader();
    let failure: Error | undefined;
    let connected = false;
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('data', (chunk: Buffer) => {
      for (const message of frames.push(chunk)) {
        const entry = isMessage(message) ? pending.get(idOf(message)) : undefined;
        if (entry === undefined || !answersQuestion(message, entry.question)) continue;
        entry.answered = true;
        if (entry.many) entry.timer.refresh();
        else forget(pending, idOf(message));
        entry.onAnswer(withId(message, idOf(entry.query)));
      }
    });
    socket.on('timeout', () => {
      if (pending.size === 0) socket.destroy();
      else socket.setTimeout(UPSTREAM_TCP_IDLE_MS);
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      pools.get(server)?.delete(connection);
      // A port of the range may be in use, or still in TIME_WAIT towards this server: take the next.
      const portTaken = !connected && tries < EXEMPT_PORTS && ['EADDRINUSE', 'EADDRNOTAVAIL'].includes(codeOf(failure) ?? '');
      if (failure !== undefined && !portTaken) log.debug('a connection to the previous resolver failed', { server, error: failure });
      let next: Connection | undefined;
      for (const [id, entry] of [...pending]) {
        forget(pending, id);
        // A server may close an idle connection just when a query is on its way: ask once more on a fresh one.
        if (portTaken || (connected && !entry.answered && !entry.retried)) {
          next ??= open(server, portTaken ? tries + 1 : 0);
          put(next, { ...entry, retried: entry.retried || connected });
        } else entry.onFailure();
      }
    });
  }

  function forget(pending: Map<number, Pending>, id: number): void {
    clearTimeout(pending.get(id)?.timer);
    pending.delete(id);
  }

  function put(connection: Connection, entry: Omit<Pending, 'timer'>): () => void {
    const { pending } = connection;
    do connection.nextId = (connection.nextId + 1) & 0xffff;
    while (pending.has(connection.nextId));
    const id = connection.nextId;
    pending.set(id, { ...entry, timer: setTimeout(() => forget(pending, id), UPSTREAM_PENDING_MS) });
    connection.socket.write(frameMessage(withId(entry.query, id)));
    return () => forget(pending, id);
  }

  return {
    send(server, query, onAnswer, onFailure) {
      const question = questionOf(query);
      const many = question?.type === TYPE.AXFR || question?.type === TYPE.IXFR;
      const usable = [...(pools.get(server) ?? [])].filter(({ socket }) => socket.writable);
      const least = usable.sort((a, b) => a.pending.size - b.pending.size)[0];
      const full = least === undefined || (least.pending.size >= UPSTREAM_TCP_PIPELINE && usable.length < UPSTREAM_TCP_CONNECTIONS);
      const connection = full ? open(server, 0) : least;
      return put(connection, { query, question, many, answered: false, retried: false, onAnswer, onFailure });
    },
    close() {
      for (const pool of pools.values()) {
        for (const { socket, pending } of [...pool]) {
          for (const id of [...pending.keys()]) forget(pending, id);
          socket.destroy();
        }
      }
    },
  };
}

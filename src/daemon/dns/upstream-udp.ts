/** Queries to the previous resolvers over UDP, byte for byte but for the id. */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { answersQuestion, type DnsQuestion, idOf, isMessage, questionOf, withId } from '../../dns/index.ts';

/** How long an answer of the previous resolver is still passed on: longer than any client waits. */
export const UPSTREAM_PENDING_MS = 30_000;
/** Queries that wait for answers; more are dropped, as a full socket buffer would. */
export const UPSTREAM_PENDING_LIMIT = 4096;
const ID_TRIES = 16;

interface Pending {
  server: string;
  id: number;
  question: DnsQuestion | undefined;
  onAnswer(answer: Buffer): void;
  timer: NodeJS.Timeout;
}

export interface UpstreamUdp {
  /** Sends the query; `onAnswer` gets the first answer with the query's own id, or is never called. Returns how to give it up. */
  send(server: string, query: Buffer, onAnswer: (answer: Buffer) => void): () => void;
  close(): void;
}

/** Addresses as the kernel writes them: a zone is not part of what is compared. */
const bare = (address: string) => address.replace(/%.*$/, '').toLowerCase();

export function createUpstreamUdp({ sockets, port, log }: { sockets: Map<4 | 6, Socket[]>; port: number; log: Log }): UpstreamUdp {
  let waiting = 0;
  const tables = new Map<Socket, Map<number, Pending>>();
  for (const socket of [...sockets.values()].flat()) {
    const table = new Map<number, Pending>();
    tables.set(socket, table);
    socket.on('error', (error) => log.debug('a socket towards the previous resolver failed', { error }));
    socket.on('message', (answer, from) => {
      if (!isMessage(answer)) return;
      const entry = table.get(idOf(answer));
      // Only the server that was asked may answer, and only what it was asked.
      if (entry === undefined || from.port !== port || bare(from.address) !== bare(entry.server) || !answersQuestion(answer, entry.question)) return;
      drop(table, idOf(answer));
      entry.onAnswer(withId(answer, entry.id));
    });
  }

  function drop(table: Map<number, Pending>, id: number): void {
    const entry = table.get(id);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    table.delete(id);
    waiting--;
  }

  return {
    send(server, query, onAnswer) {
      const choices = sockets.get(isIPv6(bare(server)) ? 6 : 4) ?? [];
      const socket = choices[randomInt(Math.max(1, choices.length))];
      const table = socket && tables.get(socket);
      if (socket === undefined || table === undefined || waiting >= UPSTREAM_PENDING_LIMIT) return () => {};
      let id = randomInt(0x10000);
      for (let tries = 0; table.has(id) && tries < ID_TRIES; tries++) id = randomInt(0x10000);
      if (table.has(id)) return () => {};
      const entry: Pending = { server, id: idOf(query), question: questionOf(query), onAnswer, timer: setTimeout(() => drop(table, id), UPSTREAM_PENDING_MS) };
      table.set(id, entry);
      waiting++;
      socket.send(withId(query, id), port, server, (error) => {
        if (error) log.debug('could not send to the previous resolver', { server, error: messageOf(error) });
      });
      return () => {
        if (table.get(id) === entry) drop(table, id);
      };
    },
    close() {
      for (const [socket, table] of tables) {
        for (const id of [...table.keys()]) drop(table, id);
        socket.close();
      }
    },
  };
}

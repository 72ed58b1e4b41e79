/**
 * Connections of intercepts that are open now. When an intercept ends they must not go on at the workstation for as long as some client
 * keeps them alive: each is closed as soon as it is quiet, and all of them after a while.
 */
import type { Socket } from 'node:net';
import { sleep } from '../../base/retry.ts';
import type { MuxStream } from '../../mux/index.ts';

/**
 * A connection on which nothing moved for so long is between two requests. Agents, who know where an HTTP/1.1 answer ends, take back what
 * they can meanwhile, and lose nothing by it.
 */
export const QUIET_MS = 1_000;
/** Then also those that never are quiet end. */
export const LEAVE_DRAIN_MS = 5_000;

interface OpenConnection {
  stream: MuxStream;
  socket: Socket;
}

export class OpenConnections {
  readonly #byIntercept = new Map<string, Set<OpenConnection>>();

  /** Counts a connection as open until its socket is closed. */
  add(intercept: string, stream: MuxStream, socket: Socket): void {
    const connection = { stream, socket };
    const set = this.#byIntercept.get(intercept) ?? new Set();
    this.#byIntercept.set(intercept, set.add(connection));
    socket.once('close', () => {
      set.delete(connection);
      if (set.size === 0) this.#byIntercept.delete(intercept);
    });
  }

  /** Ends all of an intercept's connections: the quiet ones in order, now; the others when they are. What is open after {@link LEAVE_DRAIN_MS} is reset: its request may have been done. */
  drain(intercept: string): void {
    const end = performance.now() + LEAVE_DRAIN_MS;
    for (const connection of this.#byIntercept.get(intercept) ?? []) void this.#endWhenQuiet(connection, end);
  }

  async #endWhenQuiet({ stream, socket }: OpenConnection, end: number): Promise<void> {
    let moved = -1;
    while (!socket.destroyed && performance.now() < end) {
      const now = socket.bytesRead + socket.bytesWritten;
      // the process is told that its client has finished; when it closes too, that reaches the client as an orderly end
      if (now === moved) socket.end();
      moved = now;
      await sleep(QUIET_MS);
    }
    if (!socket.destroyed) stream.reset('aborted');
  }
}

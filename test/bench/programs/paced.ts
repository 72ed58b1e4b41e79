/** Load over kept connections, with raw sockets and fixed requests: in a closed loop, or at a steady pace that does not wait for answers. */
import { connect, type Socket } from 'node:net';

/** Each has a connection of its own. An answer is over when `end` bytes came after its head. */
export interface Client {
  port: number;
  request: Buffer;
  end: number;
}

interface Outcome {
  /** Milliseconds. Where requests have their time, from when they were due. */
  times: number[];
  failed: string[];
}

class Connection {
  readonly #client: Client;
  #socket: Socket | undefined;
  #rest = '';
  #answered: ((failure?: string) => void) | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  get busy(): boolean {
    return this.#answered !== undefined;
  }

  /** @returns what went wrong */
  ask(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket ??= this.#open();
      this.#socket.write(this.#client.request);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ port: this.#client.port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      this.#done('the connection ended');
    });
    socket.on('data', (chunk) => {
      this.#rest += String(chunk);
      const head = this.#rest.indexOf('\r\n\r\n');
      if (head < 0 || this.#rest.length < head + 4 + this.#client.end) return;
      const [line = ''] = this.#rest.split('\r\n', 1);
      this.#rest = '';
      this.#done(line.includes(' 200 ') ? undefined : line);
    });
    return socket;
  }

  #done(failure: string | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(failure);
  }
}

export async function closedLoop(clients: readonly Client[], forMs: number): Promise<Outcome> {
  const outcome: Outcome = { times: [], failed: [] };
  const until = performance.now() + forMs;
  const worker = async (client: Client): Promise<void> => {
    const connection = new Connection(client);
    while (performance.now() < until) {
      const begun = performance.now();
      const failure = await connection.ask();
      if (failure === undefined) outcome.times.push(performance.now() - begun);
      else outcome.failed.push(failure);
    }
    connection.close();
  };
  await Promise.all(clients.map(worker));
  return outcome;
}

/** Each request has a time at which it is due; what is late because an answer before it is counts as slow. */
export async function openLoop(clients: readonly Client[], perSecond: number, forMs: number): Promise<Outcome> {
  const outcome: Outcome = { times: [], failed: [] };
  const connections = clients.map((client) => new Connection(client));
  const due: number[] = [];
  const begun = performance.now();
  let planned = 0;
  let running = 0;
  const total = Math.floor((perSecond * forMs) / 1_000);
  const all = Promise.withResolvers<void>();
  const run = async (connection: Connection): Promise<void> => {
    for (let time = due.shift(); time !== undefined; time = due.shift()) {
      running++;
      const failure = await connection.ask();
      running--;
      if (failure === undefined) outcome.times.push(performance.now() - time);
      else outcome.failed.push(failure);
    }
    if (planned === total && running === 0 && due.length === 0) all.resolve();
  };
  let next = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (; planned < total && begun + (planned * 1_000) / perSecond <= now; planned++) due.push(begun + (planned * 1_000) / perSecond);
    for (let tries = 0; tries < connections.length && due.length > 0; tries++) {
      const connection = connections[next++ % connections.length] as Connection;
      if (!connection.busy) void run(connection);
    }
    if (planned === total) clearInterval(timer);
  }, 1);
  await all.promise;
  for (const connection of connections) connection.close();
  return outcome;
}

export function quantiles(times: readonly number[], which: readonly number[]): number[] {
  const sorted = times.toSorted((a, b) => a - b);
  return which.map((q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);
}

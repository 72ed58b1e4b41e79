import type { Socket } from 'node:net';
import type { MuxStream } from '../mux/index.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import { relay, resetReasonOf, resetStream } from '../tunnel/index.ts';
import type { AppTarget } from './app-target.ts';
import { ExchangeWatch } from './exchange-watch.ts';
import { REPLAY_LIMIT } from './limits.ts';
import type { SessionLinks } from './links.ts';
import { spliceToApp } from './splice.ts';
import type { Taker } from './taker.ts';

/** Reasons for which the workstation's process was never reached: with `--fallback` the app answers. */
export const NOT_REACHED = new Set(['refused', 'unreachable', 'timeout', 'forbidden']);

/**
 * Takes whole connections: bytes go to the workstation and back, untouched. When the intercept ends, an HTTP/1.1 connection that a client
 * keeps goes on with the app as soon as no answer is due: its client loses nothing. What can't be looked into is ended by the workstation.
 */
export class TcpTaker implements Taker {
  readonly #app: AppTarget;
  readonly #links: SessionLinks;
  readonly #open = new Set<HandOver>();
  #intercept: AgentIntercept;
  #retired = false;

  constructor(intercept: AgentIntercept, app: AppTarget, links: SessionLinks) {
    this.#intercept = intercept;
    this.#app = app;
    this.#links = links;
  }

  /** Whether this is the intercept that it takes for; what it says of it is then what counts from now on. */
  renew(intercept: AgentIntercept): boolean {
    const same = intercept.uid === this.#intercept.uid;
    if (same) this.#intercept = intercept;
    return same;
  }

  /** The intercept is over. */
  retire(): void {
    this.#retired = true;
    for (const { offer } of this.#open) offer();
  }

  async take(client: Socket): Promise<void> {
    const peer = `${client.remoteAddress ?? ''}:${client.remotePort ?? 0}`;
    const stream = this.#links.open(this.#intercept, peer);
    // Nobody holds the session: the workstation is gone, the app answers.
    if (stream === undefined) return spliceToApp(client, this.#app);
    this.#links.taken(this.#intercept);
    const watch = new ExchangeWatch();
    const { held, reached } = await untilFirstAnswer(client, stream, watch);
    if (reached) return this.#converse(client, stream, watch);
    const reason = stream.resetReason ?? 'gone';
    const toApp = reason === 'gone' || (this.#intercept.fallback && NOT_REACHED.has(reason));
    if (toApp && held !== undefined && !client.destroyed) return this.#replay(client, held);
    resetStream(client, 'aborted');
    return undefined;
  }

  async #converse(client: Socket, stream: MuxStream, watch: ExchangeWatch): Promise<void> {
    const release = new AbortController();
    const offer = () => {
      if (this.#retired && watch.between && !client.readableEnded) release.abort();
    };
    const handOver = { offer };
    this.#open.add(handOver);
    stream.on('error', () => {});
    const onBToA = (chunk: Buffer) => {
      watch.down(chunk);
      offer();
    };
    const over = relay(client, stream, { release: release.signal, onAToB: (chunk) => watch.up(chunk), onBToA });
    offer();
    await over;
    this.#open.delete(handOver);
    if (!release.signal.aborted) return;
    // The process on the workstation sees its client end.
    stream.end();
    stream.resume();
    await this.#replay(client, []);
  }

  /** The workstation took nothing of what the client sent: the app gets all of it. */
  async #replay(client: Socket, held: Buffer[]): Promise<void> {
    try {
      const target = await this.#app.dial();
      for (const chunk of held) target.write(chunk);
      await relay(client, target);
    } catch {
      resetStream(client, 'aborted');
    }
  }
}

interface HandOver {
  /** Gives the connection to the app, if that can be now. */
  readonly offer: () => void;
}

/**
 * Sends the client's bytes on and keeps them, until the workstation's first byte or end (`reached`), or until the stream is over
 * before that. `held` is undefined when there was more than REPLAY_LIMIT.
 */
function untilFirstAnswer(client: Socket, stream: MuxStream, watch: ExchangeWatch): Promise<{ held: Buffer[] | undefined; reached: boolean }> {
  return new Promise((resolve) => {
    let held: Buffer[] | undefined = [];
    let bytes = 0;
    const settle = (reached: boolean) => {
      client.off('data', onData);
      client.off('end', onEnd);
      client.off('error', onClientError);
      client.off('close', onClientClose);
      stream.off('drain', resume);
      stream.off('readable', onReadable);
      stream.off('close', onClose);
      client.pause();
      resolve({ held, reached });
    };
    const onData = (chunk: Buffer) => {
      watch.up(chunk);
      bytes += chunk.length;
      if (bytes > REPLAY_LIMIT) held = undefined;
      held?.push(chunk);
      if (!stream.write(chunk)) client.pause();
    };
    const resume = () => void client.resume();
    const onEnd = () => stream.end();
    const onReadable = () => settle(true);
    const onClose = () => settle(false);
    const onClientError = (error: Error) => stream.reset(resetReasonOf(error));
    const onClientClose = () => stream.reset('aborted');
    client.on('data', onData);
    client.on('end', onEnd);
    client.on('error', onClientError);
    client.on('close', onClientClose);
    stream.on('drain', resume);
    // Also tells of an end without a byte.
    stream.on('readable', onReadable);
    stream.on('close', onClose);
    client.resume();
    if (client.destroyed) stream.reset('aborted');
  });
}

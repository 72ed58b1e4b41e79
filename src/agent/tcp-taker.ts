import type { Socket } from 'node:net';
import type { MuxStream } from '../mux/index.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import { relay, resetReasonOf, resetStream } from '../tunnel/index.ts';
import type { AppTarget } from './app-target.ts';
import { REPLAY_LIMIT } from './limits.ts';
import type { SessionLinks } from './links.ts';
import { spliceToApp } from './splice.ts';
import type { Taker } from './taker.ts';

/** Reasons for which the workstation's process was never reached: with `--fallback` the app answers. */
export const NOT_REACHED = new Set(['refused', 'unreachable', 'timeout', 'forbidden']);

/** Takes whole connections: bytes go to the workstation and back, untouched. */
export class TcpTaker implements Taker {
  #intercept: AgentIntercept;
  #app: AppTarget;
  #links: SessionLinks;

  constructor(intercept: AgentIntercept, app: AppTarget, links: SessionLinks) {
    this.#intercept = intercept;
    this.#app = app;
    this.#links = links;
  }

  async take(client: Socket): Promise<void> {
    const peer = `${client.remoteAddress ?? ''}:${client.remotePort ?? 0}`;
    const stream = this.#links.open(this.#intercept, peer);
    // Nobody holds the session: the workstation is gone, the app answers.
    if (stream === undefined) return spliceToApp(client, this.#app);
    const { held, reached } = await untilFirstAnswer(client, stream);
    if (reached) {
      await relay(client, stream);
      return undefined;
    }
    const reason = stream.resetReason ?? 'gone';
    const toApp = reason === 'gone' || (this.#intercept.fallback && NOT_REACHED.has(reason));
    if (toApp && held !== undefined && !client.destroyed) return this.#replay(client, held);
    resetStream(client, 'aborted');
    return undefined;
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

/**
 * Sends the client's bytes on and keeps them, until the workstation's first byte or end (`reached`), or until the stream is over
 * before that. `held` is undefined when there was more than REPLAY_LIMIT.
 */
function untilFirstAnswer(client: Socket, stream: MuxStream): Promise<{ held: Buffer[] | undefined; reached: boolean }> {
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

/** The live list: made once for all who look at an organisation, sent when it differs from what was sent before. */
import { messageOf } from '../../base/errors.ts';
import type { CloudContext } from '../context.ts';
import { LIVE_DEBOUNCE_MS, LIVE_IDLE_MS, TRAFFIC_STEP_MS } from './limits.ts';
import { type Overview, readOverview } from './rows.ts';
import { Traffic } from './traffic.ts';
import { liveList } from './views/live-list.ts';

export interface LiveView {
  overview: Overview;
  traffic: Traffic;
  html: string;
}
type Listener = (html: string) => void;

class Board {
  readonly listeners = new Set<Listener>();
  #context: CloudContext;
  #organisationId: string;
  #traffic = new Traffic();
  #sent = '';
  #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #unsubscribe: () => void;

  constructor(context: CloudContext, organisationId: string) {
    this.#context = context;
    this.#organisationId = organisationId;
    this.#timer = setInterval(() => void this.#renew(true), TRAFFIC_STEP_MS);
    this.#timer.unref();
    this.#unsubscribe = context.feed.subscribe(organisationId, (kind) => {
      if (kind !== 'visits') this.#soon ??= setTimeout(() => void this.#renew(false), LIVE_DEBOUNCE_MS);
    });
  }

  async view(step = false): Promise<LiveView> {
    const overview = await readOverview(this.#context, this.#organisationId);
    const now = this.#context.now();
    if (step)
      this.#traffic.sample(
        overview.rows.map(({ intercept }) => intercept),
        now,
      );
    return { overview, traffic: this.#traffic, html: String(await liveList(overview, this.#traffic, now)) };
  }

  async #renew(step: boolean): Promise<void> {
    if (!step) this.#soon = undefined;
    try {
      const { html } = await this.view(step);
      if (html === this.#sent) return;
      this.#sent = html;
      for (const listener of this.listeners) listener(html);
    } catch (error) {
      this.#context.log.warn('the live list could not be made', { error: messageOf(error) });
    }
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#unsubscribe();
  }
}

export interface Live {
  view(organisationId: string): Promise<LiveView>;
  /** Returns what ends it. */
  subscribe(organisationId: string, listener: Listener): () => void;
}

export function createLive(context: CloudContext): Live {
  const boards = new Map<string, { board: Board; idle: NodeJS.Timeout | undefined }>();
  const open = (organisationId: string): Board => {
    const known = boards.get(organisationId) ?? { board: new Board(context, organisationId), idle: undefined };
    boards.set(organisationId, known);
    rest(organisationId);
    return known.board;
  };
  /** A board that nobody listens to ends after a while. */
  const rest = (organisationId: string): void => {
    const known = boards.get(organisationId);
    if (known === undefined) return;
    clearTimeout(known.idle);
    known.idle = setTimeout(() => {
      if (known.board.listeners.size > 0) return;
      known.board.close();
      boards.delete(organisationId);
    }, LIVE_IDLE_MS);
    known.idle.unref();
  };
  return {
    view: (organisationId) => open(organisationId).view(),
    subscribe(organisationId, listener) {
      const board = open(organisationId);
      board.listeners.add(listener);
      return () => {
        board.listeners.delete(listener);
        rest(organisationId);
      };
    },
  };
}

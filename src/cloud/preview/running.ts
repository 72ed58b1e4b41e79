/** The requests that run: how many a preview has, and the end of those whose visitor may no longer see it. */
import { messageOf } from '../../base/errors.ts';
import type { CloudContext } from '../context.ts';
import type { Preview } from '../store/index.ts';
import { viewerOf } from './access.ts';
import { PREVIEW_RECHECK_MS } from './limits.ts';

export interface RunningRequest {
  preview: Preview;
  /** What the visitor showed: its Cookie header. */
  cookies: string;
  abort: () => void;
}

export interface Running {
  count(label: string): number;
  total(): number;
  /** What it returns takes the request out. */
  add(request: RunningRequest): () => void;
  close(): void;
}

interface Group {
  requests: Set<RunningRequest>;
  unsubscribe: () => void;
}

export function createRunning({ store, feed, log, config }: Pick<CloudContext, 'store' | 'feed' | 'log' | 'config'>): Running {
  const groups = new Map<string, Group>();
  let total = 0;
  /** What outlived a look of the timer; a short request isn't worth a question to the store. */
  const old = new WeakSet<RunningRequest>();

  const check = async (label: string, requests: RunningRequest[]): Promise<void> => {
    const preview = await store.previews.byLabel(label);
    const alive = preview !== undefined && preview.endedAt === null && preview.missingSince === null;
    const allowed = new Map<string, boolean>();
    for (const request of requests) {
      let may = allowed.get(request.cookies);
      if (may === undefined) {
        may = alive && (preview.public || (await viewerOf(store, preview, request.cookies, config.secure)) !== undefined);
        allowed.set(request.cookies, may);
      }
      if (!may) request.abort();
    }
  };
  const checkOr = (label: string, requests: RunningRequest[]) =>
    check(label, requests).catch((error: unknown) => log.warn('running requests could not be checked', { error: messageOf(error) }));
  const timer = setInterval(() => {
    for (const [label, { requests }] of groups) {
      const due = [...requests].filter((request) => old.has(request));
      for (const request of requests) old.add(request);
      if (due.length > 0) void checkOr(label, due);
    }
  }, PREVIEW_RECHECK_MS);
  timer.unref();

  const groupOf = ({ label, organisationId }: Preview): Group => {
    const known = groups.get(label);
    if (known !== undefined) return known;
    const requests = new Set<RunningRequest>();
    const unsubscribe = feed.subscribe(organisationId, (kind) => {
      if (kind === 'previews' || kind === 'members') void checkOr(label, [...requests]);
    });
    const group = { requests, unsubscribe };
    groups.set(label, group);
    return group;
  };

  return {
    count: (label) => groups.get(label)?.requests.size ?? 0,
    total: () => total,
    add(request) {
      const group = groupOf(request.preview);
      group.requests.add(request);
      total++;
      return () => {
        if (!group.requests.delete(request)) return;
        total--;
        if (group.requests.size > 0) return;
        group.unsubscribe();
        groups.delete(request.preview.label);
      };
    },
    close() {
      clearInterval(timer);
      for (const { requests } of groups.values()) for (const request of [...requests]) request.abort();
    },
  };
}

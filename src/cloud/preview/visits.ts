/** Who visited: one row of the audit log for each visitor's stay, not for each request. */
import { messageOf } from '../../base/errors.ts';
import type { CloudContext } from '../context.ts';
import type { Preview, User } from '../store/index.ts';
import { VISIT_MS, VISITORS } from './limits.ts';

export interface Visits {
  visited(preview: Preview, viewer: User | undefined, address: string, userAgent: string): void;
}

export function createVisits({ store, feed, log, now }: Pick<CloudContext, 'store' | 'feed' | 'log' | 'now'>): Visits {
  /** Last row by visitor, oldest first. */
  const last = new Map<string, number>();
  return {
    visited(preview, viewer, address, userAgent) {
      const visitor = `${preview.id} ${viewer?.id ?? address}`;
      const at = last.get(visitor);
      if (at !== undefined && now() - at < VISIT_MS) return;
      last.delete(visitor);
      last.set(visitor, now());
      const [oldest] = last.keys();
      if (last.size > VISITORS && oldest !== undefined) last.delete(oldest);
      store.audit
        .write({
          organisationId: preview.organisationId,
          userId: viewer?.id ?? null,
          actor: viewer?.name ?? 'anonymous',
          action: 'preview.visit',
          subject: preview.id,
          detail: { intercept: preview.intercept.name, browser: browserName(userAgent) },
          address,
        })
        .then(() => feed.publish({ organisationId: preview.organisationId, kind: 'visits' }))
        .catch((error: unknown) => log.warn('a visit could not be written down', { error: messageOf(error) }));
    },
  };
}

/** A few words for people; the whole header would identify more than anybody needs to know. */
export function browserName(userAgent: string): string {
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0]?.replace('Mac OS X', 'macOS');
  const browser = /Edg\//.test(userAgent)
    ? 'Edge'
    : /Firefox\//.test(userAgent)
      ? 'Firefox'
      : /Chrome\//.test(userAgent)
        ? 'Chrome'
        : /Safari\//.test(userAgent)
          ? 'Safari'
          : (/^([A-Za-z][\w.-]{0,30})/.exec(userAgent)?.[1] ?? 'unknown client');
  return system === undefined ? browser : `${browser} on ${system}`;
}

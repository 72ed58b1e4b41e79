import type { CloudConfig } from '../config.ts';

/** Whom a request is for, by its Host. */
export type Site = { site: 'dashboard' } | { site: 'preview'; label: string } | { site: 'none' };

const LABEL = /^[a-z2-7]{26}$/;

/** The port is not looked at: a proxy in front may map it, and no two sites differ by it alone. */
export function siteOf(host: string | undefined, config: Pick<CloudConfig, 'url' | 'preview'>): Site {
  const name = (host ?? '')
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
  if (name === new URL(config.url).hostname) return { site: 'dashboard' };
  if (!name.endsWith(`.${config.preview.domain}`)) return { site: 'none' };
  const label = name.slice(0, -config.preview.domain.length - 1);
  return LABEL.test(label) ? { site: 'preview', label } : { site: 'none' };
}

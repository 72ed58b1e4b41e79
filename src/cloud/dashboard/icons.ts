/** One set of line icons, 20 × 20, in the colour of the text around them. */
import { type Html, html } from './html.ts';

const PATHS = {
  intercepts: 'M3 6h5l4 8h5M17 14l-2.5-2.5M17 14l-2.5 2.5M3 14h5l1-2M11.5 7.5 12 6h5M17 6l-2.5-2.5M17 6l-2.5 2.5',
  visits: 'M1.8 10S4.8 4.3 10 4.3 18.2 10 18.2 10 15.2 15.7 10 15.7 1.8 10 1.8 10ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  clusters: 'M10 2.5 17 6v8l-7 3.5L3 14V6ZM3 6l7 3.5L17 6M10 9.5v8',
  members: 'M7.5 9.2a3.1 3.1 0 1 0 0-6.2 3.1 3.1 0 0 0 0 6.2ZM2 17c0-3 2.3-5 5.5-5s5.5 2 5.5 5M13 3.4a3 3 0 0 1 0 5.5M14.8 12.3c2 .7 3.2 2.4 3.2 4.7',
  keys: 'M13 11a4 4 0 1 0-3.7-2.5L3 14.8V17h3v-2h2v-2l1.9-1.9c.9.5 2 .9 3.1.9ZM14 6.5v.01',
  audit: 'M5 2.5h7l3.5 3.5v11.5H5ZM12 2.5V6h3.5M7.8 9.5h5M7.8 12.5h5M7.8 15h2.5',
  copy: 'M7.5 7.5h9v9h-9ZM4.5 12.5h-1v-9h9v1',
  open: 'M11.5 3.5h5v5M16.5 3.5l-7 7M14 11.5v5H3.5V6h5',
  lock: 'M5 9h10v7.5H5ZM7 9V6.5a3 3 0 0 1 6 0V9',
  globe: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM2.5 10h15M10 2.5c2.5 2.3 3.3 4.7 3.3 7.5s-.8 5.2-3.3 7.5C7.5 15.2 6.7 12.8 6.7 10s.8-5.2 3.3-7.5Z',
  end: 'M10 3v6.5M6 5.3a6.2 6.2 0 1 0 8 0',
  plus: 'M10 4v12M4 10h12',
  chevron: 'M6.5 8 10 11.5 13.5 8',
  switch: 'M7 7.5 10 4.5l3 3M7 12.5l3 3 3-3',
  leave: 'M8 3.5H3.5v13H8M12.5 13.5 16 10l-3.5-3.5M16 10H7.5',
  laptop: 'M4.5 4.5h11v8h-11ZM2.5 15.5h15',
  more: 'M5 10v.010M10 10v.010M15 10v.01',
} as const;
export type IconName = keyof typeof PATHS;

export const icon = (name: IconName): Html =>
  html`<svg class="icon" width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${PATHS[name]}"/></svg>`;

/** The mark: two places, and what joins them. */
export const mark = (): Html =>
  html`<svg class="mark" width="28" height="28" viewBox="0 0 28 28" fill="none" aria-hidden="true"><rect width="28" height="28" rx="8" fill="currentColor"/><g stroke="var(--mark)" stroke-width="2" stroke-linecap="round"><circle cx="9" cy="18" r="3.2"/><circle cx="19" cy="10" r="3.2"/><path d="M12.3 15.4l3.4-2.8"/></g></svg>`;

const SPARK = { width: 64, height: 20 } as const;
/** The last minute of a rate as a line. Drawn from numbers alone. */
export function sparkline(values: readonly number[]): Html {
  const top = Math.max(1, ...values);
  const step = SPARK.width / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(SPARK.height - 1.5 - (value / top) * (SPARK.height - 3)).toFixed(1)}`);
  const line = points.join(' ');
  return html`<svg class="spark" width="${SPARK.width}" height="${SPARK.height}" viewBox="0 0 ${SPARK.width} ${SPARK.height}" fill="none" aria-hidden="true"><polyline points="${line} ${SPARK.width},${SPARK.height} 0,${SPARK.height}" class="spark-area"/><polyline points="${line}" class="spark-line"/></svg>`;
}

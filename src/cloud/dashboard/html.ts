/** Small pieces that all pages are made of. Everything that goes into `html` is escaped; nothing here says `raw`. */
import { html } from 'hono/html';

export { html } from 'hono/html';
export type Html = ReturnType<typeof html>;
export type Part = Html | string;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `5 min ago`; the client script keeps it right. */
export function relative(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 10) return 'just now';
  if (seconds < MINUTE) return `${seconds} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** A point in time for people: relative, the exact one on hover and for machines. */
export function time(at: number | string | null | undefined, now: number, never = 'never'): Part {
  const ms = typeof at === 'string' ? Date.parse(at) : (at ?? Number.NaN);
  if (!Number.isFinite(ms)) return never;
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace('T', ' ')} UTC">${relative(ms, now)}</time>`;
}

export function until(at: number, now: number): string {
  const days = Math.ceil((at - now) / (DAY * 1000));
  return days <= 1 ? 'within a day' : `in ${days} days`;
}

export const count = (value: number, one: string, many = `${one}s`): string => `${value.toLocaleString('en')} ${value === 1 ? one : many}`;

/** The first letters of a name, on one of a few tints that belong to it. */
export function avatar(name: string): Html {
  const words = name
    .replace(/@.*/, '')
    .split(/[\s._:-]+/)
    .filter((word) => word !== '');
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ''}${words.at(-1)?.[0] ?? ''}` : (words[0] ?? '?').slice(0, 2);
  let tint = 0;
  for (const character of name) tint = (tint * 31 + (character.codePointAt(0) ?? 0)) % 6;
  return html`<span class="avatar tint-${tint}" aria-hidden="true">${letters.toUpperCase()}</span>`;
}

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'accent';
export const pill = (tone: Tone, text: Part): Html => html`<span class="pill ${tone}">${text}</span>`;

/** A secret or address that one press copies; selectable where JavaScript is off. */
export function copyable(text: string, label: string): Html {
  return html`<span class="copyable"><code>${text}</code><button type="button" class="ghost small" data-copy="${text}">Copy<span class="sr"> ${label}</span></button></span>`;
}

export interface FieldOptions {
  label: string;
  name: string;
  type?: 'text' | 'email' | 'password';
  value?: string;
  hint?: Part;
  autocomplete?: string;
  optional?: boolean;
  minlength?: number;
  autofocus?: boolean;
}
export function field({
  label,
  name,
  type = 'text',
  value = '',
  hint,
  autocomplete = 'off',
  optional = false,
  minlength,
  autofocus = false,
}: FieldOptions): Html {
  const id = `field-${name}`;
  return html`<p class="field"><label for="${id}">${label}${optional ? html` <span class="soft">(optional)</span>` : ''}</label>
<input id="${id}" name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}" ${optional ? '' : 'required'} ${autofocus ? 'autofocus' : ''} ${
    minlength === undefined ? '' : html`minlength="${minlength}"`
  } ${hint === undefined ? '' : html`aria-describedby="${id}-hint"`}>
${hint === undefined ? '' : html`<span class="hint" id="${id}-hint">${hint}</span>`}</p>`;
}

export const alertBox = (text: string | undefined): Part => (text === undefined ? '' : html`<p class="alert" role="alert">${text}</p>`);

export function emptyState(icon: Part, title: string, body: Part): Html {
  return html`<div class="empty"><span class="empty-icon">${icon}</span><h2>${title}</h2>${body}</div>`;
}

/** A table that becomes cards where there is no room. The roles stay when CSS takes the table layout away. */
export function table(options: { label: string; columns: readonly string[]; rows: readonly Part[]; class?: string }): Html {
  return html`<div class="cards-below"><table class="table ${options.class ?? ''}" role="table" aria-label="${options.label}"><thead role="rowgroup"><tr role="row">${options.columns.map(
    (column) => html`<th role="columnheader" scope="col">${column.startsWith('-') ? html`<span class="sr">${column.slice(1)}</span>` : column}</th>`,
  )}</tr></thead><tbody role="rowgroup">${options.rows}</tbody></table></div>`;
}
export const row = (cells: readonly Part[], key?: string): Html => html`<tr role="row" ${key === undefined ? '' : html`data-key="${key}"`}>${cells}</tr>`;
export const cell = (label: string, content: Part | Part[], kind = ''): Html => html`<td role="cell" data-label="${label}" class="${kind}">${content}</td>`;

/** What the browser shows when it comes back from the cloud: a page that says how it went, and nothing that could be reached or run. */
import { createHash } from 'node:crypto';

const STYLE = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;background:#f6f7f9;color:#1c2430}
main{max-width:26rem;margin:1rem;padding:2.5rem;border-radius:1rem;background:#fff;box-shadow:0 1px 3px #0002,0 8px 24px #0001;text-align:center}
.mark{width:3.5rem;height:3.5rem;margin:0 auto 1.25rem;border-radius:50%;display:grid;place-items:center;font-size:1.75rem;color:#fff;background:#0b7a4b}
.mark.bad{background:#b3261e}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 .5rem}
p{margin:.25rem 0;color:#4a5565}
@media (prefers-color-scheme:dark){body{background:#12161c;color:#e8ecf1}main{background:#1b212a}p{color:#aab4c0}}`;

export const LOGIN_PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
};

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function page(good: boolean, title: string, lines: readonly string[]): string {
  const body = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)} – Telepresence</title><style>${STYLE}</style></head><body><main><div class="mark${good ? '' : ' bad'}" aria-hidden="true">${good ? '✓' : '!'}</div><h1>${escapeHtml(title)}</h1>${body}</main></body></html>\n`;
}

export function successPage(user: string, organisation: string): string {
  return page(true, 'You are logged in', [`${user}, in ${organisation}.`, 'You can close this tab and go back to your terminal.']);
}

export function failurePage(why: string): string {
  return page(false, 'The login did not work', [why, 'Go back to your terminal and run telepresence login again.']);
}

/** The page that explains why a preview can't answer; JSON or text for those who don't ask for pages. */
import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { HeaderList } from '../../http/index.ts';
import type { Failure } from './failures.ts';

const STYLE = `
:root{color-scheme:light dark;--page:#f7f7f5;--card:#fff;--ink:#1b1c1f;--soft:#5d6068;--line:#e3e3df;--accent:#4338ca}
@media (prefers-color-scheme:dark){:root{--page:#121316;--card:#1a1b1f;--ink:#ececee;--soft:#a2a5ad;--line:#2c2e34;--accent:#a5a8ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--page);color:var(--ink);font:16px/1.55 Inter,system-ui,-apple-system,"Segoe UI",sans-serif}
main{width:100%;max-width:520px;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:36px 36px 28px}
svg{display:block;color:var(--accent);margin-bottom:22px}
h1{font-size:24px;line-height:1.25;letter-spacing:-.02em;margin:0 0 12px;font-weight:650}
p{margin:0 0 10px}
.help{color:var(--soft)}
a{display:inline-block;margin:16px 0 0;padding:9px 16px;border-radius:9px;background:var(--accent);color:var(--card);font-weight:550;text-decoration:none}
a:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
footer{margin-top:28px;padding-top:16px;border-top:1px solid var(--line);font-size:13px;color:var(--soft);display:flex;gap:6px 16px;flex-wrap:wrap;align-items:baseline;justify-content:space-between}
code{font:0.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
@media (max-width:480px){main{padding:26px 22px 20px}}
`;
const CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Text in which `…` is code. */
function prose(text: string) {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

async function page({ status, code, title, message, help }: Failure): Promise<string> {
  const again = status >= 500 || status === 403;
  // The style goes in by hand: its hash covers exactly these characters.
  const [before, after] = [
    html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>`,
    html`</style></head><body><main>
<svg width="34" height="34" viewBox="0 0 28 28" fill="none" aria-hidden="true"><rect width="28" height="28" rx="8" fill="currentColor"/><g stroke="var(--card)" stroke-width="2" stroke-linecap="round"><circle cx="9" cy="18" r="3.2"/><circle cx="19" cy="10" r="3.2"/><path d="M12.3 15.4l3.4-2.8"/></g></svg>
<h1>${title}</h1><p>${message}</p><p class="help">${prose(help)}</p>${again ? html`<a href="/">Try again</a>` : ''}
<footer><span>Telepresence preview</span><code>${status} ${code}</code></footer></main></body></html>`,
  ];
  return `${await before}${STYLE}${await after}`;
}

export interface Explanation {
  status: number;
  headers: HeaderList;
  body: string;
}

/** The answer in the form that the client asked for. */
export async function explain(failure: Failure, accept: string): Promise<Explanation> {
  const { status, code, message, help } = failure;
  const headers: HeaderList = [
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Robots-Tag', 'noindex, nofollow'],
    ['Referrer-Policy', 'no-referrer'],
    // Tells the cloud's own answers from the app's.
    ['X-Telepresence-Error', code],
  ];
  if (status === 503) headers.push(['Retry-After', '5']);
  const typed = (type: string, body: string): Explanation => ({
    status,
    headers: [...headers, ['Content-Type', `${type}; charset=utf-8`], ['Content-Length', String(Buffer.byteLength(body))]],
    body,
  });
  if (/text\/html/i.test(accept)) {
    headers.push(['Content-Security-Policy', CSP]);
    return typed('text/html', await page(failure));
  }
  if (/json/i.test(accept)) return typed('application/json', `${JSON.stringify({ error: { code, message, help } })}\n`);
  return typed('text/plain', `${message} (${code})\n${help}\n`);
}

/** The headers of a proxied exchange, both ways. Names keep their case and repetitions their order. */
import { type Body, framing } from '../../http/any-message.ts';
import { endToEnd, type HeaderList, sameHeader as same, valuesOf } from '../../http/index.ts';
import { INTERCEPT_ID_HEADER } from '../../protocol/cloud.ts';
import { mapSetCookie, withoutReserved } from './cookies.ts';
import type { Mapping } from './hosts.ts';
import { mapLink, mapPolicy, mapRefresh, toIngress, toPreview } from './map-url.ts';

/** Said by the cloud alone: what a client claims here would be believed by the app. `expect` is answered by the cloud itself. */
const SAID_HERE = new Set([
  'host',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-real-ip',
]);
/** Would send the browser elsewhere, or speak for more than this preview. */
const KEPT_FROM_BROWSER = new Set(['strict-transport-security', 'public-key-pins', 'public-key-pins-report-only', 'alt-svc']);

/** All cookies of a request as one header: HTTP/2 sends them in crumbs. */
export function cookieHeader(headers: HeaderList): string {
  return valuesOf(headers, 'cookie').join('; ');
}

export interface RequestContext {
  mapping: Mapping;
  /** The intercept's. */
  header: { name: string; value: string };
  /** `X-Forwarded-For`: the whole value. */
  forwardedFor: string;
  /** How the body comes: the framing is made here, never copied. */
  body: Body;
  upgrade?: string;
}

/** Browser → ingress. */
export function requestHeaders(headers: HeaderList, context: RequestContext): HeaderList {
  const { mapping, header, body } = context;
  const mine = new Set([INTERCEPT_ID_HEADER, same(header.name)]);
  const out: HeaderList = [['Host', mapping.ingress.host]];
  for (const [name, value] of endToEnd(headers)) {
    const lower = name.toLowerCase();
    if (SAID_HERE.has(same(name)) || mine.has(same(name))) continue;
    if (lower === 'content-length' || lower === 'cookie') continue;
    if (lower === 'origin' || lower === 'referer') out.push([name, toIngress(value, mapping)]);
    else out.push([name, value]);
  }
  const cookies = withoutReserved(cookieHeader(headers));
  if (cookies !== undefined) out.push(['Cookie', cookies]);
  out.push(['X-Forwarded-For', context.forwardedFor], ['X-Forwarded-Host', mapping.preview.host]);
  out.push(['X-Forwarded-Proto', mapping.preview.secure ? 'https' : 'http'], [header.name, header.value]);
  out.push(...framing(body));
  if (context.upgrade !== undefined) out.push(['Connection', 'Upgrade'], ['Upgrade', context.upgrade]);
  return out;
}

/** Ingress → browser. */
export function responseHeaders(headers: HeaderList, mapping: Mapping): HeaderList {
  const out: HeaderList = [];
  for (const [name, value] of endToEnd(headers)) {
    const lower = name.toLowerCase();
    if (KEPT_FROM_BROWSER.has(lower)) continue;
    const mapped = mapResponseHeader(lower, value, mapping);
    if (mapped !== undefined) out.push([name, mapped]);
  }
  // A link that only some people have doesn't belong into a search engine.
  if (valuesOf(headers, 'x-robots-tag').length === 0) out.push(['X-Robots-Tag', 'noindex, nofollow']);
  return out;
}

function mapResponseHeader(name: string, value: string, mapping: Mapping): string | undefined {
  switch (name) {
    case 'location':
    case 'content-location':
    case 'sourcemap':
    case 'access-control-allow-origin':
    case 'timing-allow-origin':
      return toPreview(value, mapping);
    case 'refresh':
      return mapRefresh(value, mapping);
    case 'link':
      return mapLink(value, mapping);
    case 'content-security-policy':
    case 'content-security-policy-report-only':
      return mapPolicy(value, mapping);
    case 'set-cookie':
      return mapSetCookie(value, mapping);
    case 'clear-site-data':
      return clearSiteData(value);
    default:
      return value;
  }
}

/** `"cookies"` clears the whole registrable domain: every other preview of the browser, and the cookie that lets it in here. */
function clearSiteData(value: string): string | undefined {
  const kinds = value.split(',').map((kind) => kind.trim());
  const kept = kinds.flatMap((kind) => (kind === '"*"' ? ['"cache"', '"storage"'] : kind === '"cookies"' ? [] : [kind]));
  return kept.length === 0 ? undefined : kept.join(', ');
}

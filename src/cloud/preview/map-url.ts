/** Addresses in headers: the ingress' host becomes the preview's towards the browser, and back. Anything else stays as it is. */
import type { Mapping, Side } from './hosts.ts';

const ABSOLUTE = /^(?:(https?|wss?):)?\/\/([^/?#\\@]*)(?![^/?#]*@)(.*)$/is;

/** An address on the ingress' host → the same on the preview's. Relative and foreign ones stay. */
export function toPreview(url: string, { preview, ingress, ingressPorts }: Mapping): string {
  const match = ABSOLUTE.exec(url);
  if (match === null) return url;
  const [, scheme, authority = '', rest = ''] = match;
  const [, hostname = '', port = ''] = /^(.*?)(?::(\d*))?$/.exec(authority.toLowerCase()) ?? [];
  return hostname === ingress.hostname && ingressPorts.has(port) ? join(scheme, preview, rest) : url;
}

/** An address on the preview's host → the same on the ingress'. */
export function toIngress(url: string, { preview, ingress }: Mapping): string {
  const match = ABSOLUTE.exec(url);
  if (match === null) return url;
  const [, scheme, authority = '', rest = ''] = match;
  const secure = scheme === undefined ? preview.secure : /s$/i.test(scheme);
  return authority.toLowerCase() === preview.host && secure === preview.secure ? join(scheme, ingress, rest) : url;
}

function join(scheme: string | undefined, side: Side, rest: string): string {
  if (scheme === undefined) return `//${side.host}${rest}`;
  const base = /^ws/i.test(scheme) ? 'ws' : 'http';
  return `${base}${side.secure ? 's' : ''}://${side.host}${rest}`;
}

/** `5; url=https://…` */
export function mapRefresh(value: string, mapping: Mapping): string {
  const match = /^(\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?)(["']?)(.*?)(\2\s*)$/is.exec(value);
  if (match === null) return value;
  const [, before = '', quote = '', url = '', after = ''] = match;
  return `${before}${quote}${toPreview(url, mapping)}${after}`;
}

/** `<https://…>; rel=…, <…>; …` */
export function mapLink(value: string, mapping: Mapping): string {
  return value.replace(/<([^>]*)>/g, (_, url: string) => `<${toPreview(url, mapping)}>`);
}

/** The sources of a Content-Security-Policy that name the ingress' host, with or without a scheme. */
export function mapPolicy(value: string, mapping: Mapping): string {
  return value.replace(/[^\s;,]+/g, (token) => {
    if (token.includes('//')) return toPreview(token, mapping);
    const bare = toPreview(`//${token}`, mapping);
    return bare === `//${token}` ? token : bare.slice(2);
  });
}

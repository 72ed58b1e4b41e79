/** Which preview a Host names, and the two names that one preview has: the browser's and the ingress'. */
import type { Preview } from '../store/index.ts';

/** One side of the mapping. */
export interface Side {
  /** `scheme://host[:port]`, lower case. */
  origin: string;
  /** With the port, if it is not the scheme's. */
  host: string;
  hostname: string;
  secure: boolean;
}
export interface Mapping {
  preview: Side;
  ingress: Side;
  /** Ports that mean the ingress in an absolute address of its host. */
  ingressPorts: ReadonlySet<string>;
}

/** The label of a preview's host, `undefined` for a host that isn't below the preview domain. Whether it exists is another question. */
export function previewLabel(host: string | undefined, previewDomain: string): string | undefined {
  const hostname = (host ?? '').toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  const suffix = `.${previewDomain.toLowerCase()}`;
  return hostname.endsWith(suffix) ? hostname.slice(0, -suffix.length) : undefined;
}

export function mappingOf(preview: Pick<Preview, 'ingress'>, previewUrl: string): Mapping {
  const url = new URL(previewUrl);
  const l5host = preview.ingress.l5host.toLowerCase();
  const { tls, port } = preview.ingress;
  const [, hostname = l5host, own] = /^(.*?)(?::(\d+))?$/.exec(l5host) ?? [];
  const plain = own === undefined || own === (tls ? '443' : '80');
  const host = plain ? hostname : l5host;
  return {
    preview: { origin: url.origin, host: url.host, hostname: url.hostname, secure: url.protocol === 'https:' },
    ingress: { origin: `${tls ? 'https' : 'http'}://${host}`, host, hostname, secure: tls },
    ingressPorts: new Set(['', '80', '443', String(port), own ?? '']),
  };
}

/**
 * A TCP connection through the proxy that `proxy-url` or the environment names: HTTP CONNECT over http or https, or SOCKS5.
 */
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError } from '../base/errors.ts';
import * as nodeHttp from '../base/node-http.ts';
import { socksConnect } from './socks.ts';

/** Connects to `host:port` through `proxyUrl`. The signal's abort ends the try. */
export async function connectThroughProxy(proxyUrl: string, host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const proxy = new URL(proxyUrl);
  switch (proxy.protocol) {
    case 'http:':
    case 'https:':
      return httpConnect(proxy, host, port, signal);
    case 'socks5:':
    case 'socks5h:':
      return socksConnect(proxy, host, port, signal);
    default:
      throw new CodedError('TP-KUBE-BAD-CONFIG', `The proxy ${redacted(proxy)} is of a kind that is not known; http, https and socks5 are.`);
  }
}

function httpConnect(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
    const headers: Record<string, string> = { host: authority };
    if (proxy.username !== '')
      headers['proxy-authorization'] = `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`;
    const fail = (why: string, cause?: unknown) =>
      reject(
        new CodedError('TP-KUBE-UNREACHABLE', `The proxy ${redacted(proxy)} gives no connection to ${authority}: ${why}.`, {
          cause,
          help: 'Check proxy-url in the kubeconfig, and HTTPS_PROXY and NO_PROXY in the environment.',
        }),
      );
    const request = (proxy.protocol === 'https:' ? https : nodeHttp).request({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
      path: authority,
      headers,
      agent: false,
      signal,
    });
    request.on('error', (error) => (signal.aborted ? reject(signal.reason) : fail(error.message, error)));
    request.on('connect', (response, socket, head) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        return fail(`it answers ${response.statusCode} ${response.statusMessage ?? ''}`.trimEnd());
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', (response) => {
      response.resume();
      fail(`it answers ${response.statusCode} ${response.statusMessage ?? ''}`.trimEnd());
      request.destroy();
    });
    request.end();
  });
}

/** The URL without its password. */
export function redacted(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/**
 * The proxy for `server` that HTTPS_PROXY (HTTP_PROXY for an http server) and NO_PROXY say, as kubectl reads them.
 * Loopback servers never go through one.
 */
export function proxyFromEnv(server: string, env: Record<string, string>): string | undefined {
  const url = new URL(server);
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const wanted = url.protocol === 'https:' ? (env['HTTPS_PROXY'] ?? env['https_proxy']) : (env['HTTP_PROXY'] ?? env['http_proxy']);
  if (wanted === undefined || wanted === '') return undefined;
  if (host === 'localhost' || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'))) return undefined;
  for (const entry of (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',')) if (excludes(entry.trim().toLowerCase(), host, url)) return undefined;
  return wanted.includes('://') ? wanted : `http://${wanted}`;
}

function excludes(entry: string, host: string, url: URL): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return inSubnet(entry, host);
  const [, name = entry, port] = /^(.*[^:]):(\d+)$/.exec(entry) ?? [];
  if (port !== undefined && !net.isIPv6(entry) && port !== (url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port)) return false;
  const bare = net.isIPv6(entry) ? entry : name.replace(/^\*?\.?/, '');
  return host === bare || (net.isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function inSubnet(subnet: string, host: string): boolean {
  const family = net.isIP(host);
  const [address = '', bits = ''] = subnet.split('/');
  if (family === 0 || net.isIP(address) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new net.BlockList();
  const name = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, Number(bits), name);
  return list.check(host, name);
}

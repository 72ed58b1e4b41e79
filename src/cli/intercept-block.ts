/** How an intercept is printed, by `intercept` and by `list`: the 2.0 form, letter by letter. */
import type { InterceptInfo } from '../protocol/daemon-api.ts';
import { keyValues } from './key-values.ts';

/** `Using deployment web` and what follows. */
export function interceptText(info: InterceptInfo): string {
  return `Using ${info.workload.kind.toLowerCase()} ${info.workload.name}\nintercepted\n${interceptBlock(info)}`;
}

/** The indented lines under `intercepted`. */
export function interceptBlock(info: InterceptInfo): string {
  const rows: [string, string][] = [
    ['Intercept name', info.name],
    ['State', info.state],
    ['Destination', `${host(info.target.host)}:${info.target.port}`],
  ];
  if (info.servicePortShown) rows.push(['Service Port Name', info.servicePort.name ?? String(info.servicePort.number)]);
  rows.push(['Intercepting', whatIsIntercepted(info)]);
  if (info.previewUrl !== undefined) rows.push(['Preview URL', info.previewUrl]);
  if (info.l5host !== undefined) rows.push(['Layer 5 Hostname', info.l5host]);
  if (!info.mine) rows.push(['User', `${info.user}@${info.hostname}`]);
  return keyValues(rows, '    ');
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function whatIsIntercepted(info: InterceptInfo): string {
  if (info.mechanism === 'tcp') return info.servicePort.protocol === 'UDP' ? 'all UDP datagrams' : 'all TCP connections';
  const conditions = [
    ...(info.http?.headers ?? []).map(({ name, value }) => `header(${JSON.stringify(name)}) ${matcher(value)}`),
    ...(info.http?.paths ?? []).map((path) => `path() ${pathMatcher(path)}`),
  ];
  if (conditions.length === 0) return 'all HTTP requests';
  return ['HTTP requests that match all of:', ...conditions].join('\n');
}

type HttpFilter = NonNullable<InterceptInfo['http']>;

function matcher(value: HttpFilter['headers'][number]['value']): string {
  return 'regex' in value ? `~= regexp(${JSON.stringify(value.regex)})` : `== ${JSON.stringify(value.exact)}`;
}

function pathMatcher(path: HttpFilter['paths'][number]): string {
  if ('regex' in path) return `~= regexp(${JSON.stringify(path.regex)})`;
  if ('prefix' in path) return `has prefix ${JSON.stringify(path.prefix)}`;
  return `== ${JSON.stringify('equal' in path ? path.equal : '')}`;
}

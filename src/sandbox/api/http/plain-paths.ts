/** Paths that name no resource: discovery, version, health. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Core } from '../core.ts';
import { aggregated, apiGroup, groupList, groupsOf, resourceList } from '../discovery/discovery.ts';
import { openApiDocument, openApiIndex } from '../discovery/openapi.ts';
import { OPENAPI_V2_ANSWER, OPENAPI_V2_PROTOBUF, openApiV2 } from '../discovery/openapi-v2.ts';
import { noSuchResource } from '../errors.ts';
import { accepted, notAcceptable } from './negotiate.ts';
import { sendJson, sendText } from './respond.ts';

const VERSION = {
  major: '1',
  minor: '34',
  emulationMajor: '1',
  emulationMinor: '34',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '33',
  gitVersion: 'v1.34.4',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'node',
  platform: 'linux/amd64',
};
const CHECKS = ['ping', 'log', 'etcd', 'poststarthook/start-apiextensions-controllers', 'poststarthook/rbac/bootstrap-roles'];
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Whether anybody may ask without being known, as the real test cluster's roles allow to none but the health of it. */
export interface PlainContext {
  core: Core;
  /** What else is served as JSON: path → body. */
  more: Record<string, unknown>;
}

/** @throws 404, 406 */
export function servePlain({ core, more }: PlainContext, request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): void {
  const { registry } = core;
  const accept = request.headers.accept;
  const words = path.split('/').slice(1);
  if (more[path] !== undefined) return sendJson(response, 200, more[path]);
  switch (words[0]) {
    case 'healthz':
    case 'livez':
    case 'readyz':
      return health(response, words, query);
    case 'version':
      return sendJson(response, 200, VERSION);
    case '':
      return sendJson(response, 200, {
        paths: [
          '/api',
          '/api/v1',
          '/apis',
          ...[...groupsOf(registry).keys()].map((group) => `/apis/${group}`),
          '/healthz',
          '/livez',
          '/openapi/v3',
          '/readyz',
          '/version',
        ],
      });
    case 'openapi':
      return openApi(core, request, response, words);
    case 'api':
    case 'apis': {
      const core = words[0] === 'api';
      if (words.length === 1 || (words.length === 2 && words[1] === '')) {
        if (wantsAggregated(accept)) return sendJson(response, 200, aggregated(registry, core), AGGREGATED);
        if (!core) return sendJson(response, 200, groupList(registry));
        return sendJson(response, 200, {
          kind: 'APIVersions',
          versions: ['v1'],
          serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: request.headers.host ?? '' }],
        });
      }
      const [, group = '', version] = core ? ['', '', words[1]] : words;
      if (version === undefined && !core) {
        const versions = groupsOf(registry).get(group);
        if (versions !== undefined) return sendJson(response, 200, apiGroup(group, versions));
      } else {
        const list = resourceList(registry, group, version ?? '');
        if (list !== undefined) return sendJson(response, 200, list);
      }
      if (!core && groupsOf(registry).has(group)) throw noSuchResource();
      return sendText(response, 404, '404 page not found\n');
    }
    default:
      throw noSuchResource();
  }
}

function wantsAggregated(accept: string | undefined): boolean {
  const first = accepted(accept).find(({ type, parameters }) => type === 'application/json' && (parameters.size === 0 || parameters.get('v') === 'v2'));
  return first?.parameters.get('as') === 'APIGroupDiscoveryList';
}

function health(response: ServerResponse, words: string[], query: URLSearchParams): void {
  const check = words.slice(1).join('/');
  if (check !== '') return CHECKS.includes(check) ? sendText(response, 200, 'ok') : sendText(response, 404, '404 page not found\n');
  if (!query.has('verbose')) return sendText(response, 200, 'ok');
  const excluded = query.getAll('exclude');
  const lines = CHECKS.map((name) => (excluded.includes(name) ? `[+]${name} excluded: ok` : `[+]${name} ok`));
  return sendText(response, 200, `${lines.join('\n')}\n${words[0] ?? ''} check passed\n`);
}

function openApi(core: Core, request: IncomingMessage, response: ServerResponse, words: string[]): void {
  if (words[1] === 'v2') {
    if (!(request.headers.accept ?? '').includes(OPENAPI_V2_PROTOBUF)) throw notAcceptable([OPENAPI_V2_PROTOBUF]);
    const document = openApiV2(VERSION.gitVersion);
    response.writeHead(200, { 'content-type': OPENAPI_V2_ANSWER, 'content-length': document.length }).end(document);
    return;
  }
  if (words[1] !== 'v3') throw noSuchResource();
  if (words.length === 2) return sendJson(response, 200, openApiIndex(core.registry));
  const [, , kind, first = '', second = ''] = words;
  const document = kind === 'api' ? openApiDocument(core.registry, '', first) : openApiDocument(core.registry, first, second);
  if (document === undefined) return sendText(response, 404, '404 page not found\n');
  if (!accepted(request.headers.accept).some(({ type }) => type === 'application/json' || type === '*/*')) throw notAcceptable(['application/json']);
  return sendJson(response, 200, document);
}

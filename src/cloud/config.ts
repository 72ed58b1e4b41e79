/**
 * The cloud's settings: a YAML or JSON file, and over it the environment (`TELEPRESENCE_CLOUD_*`, DATABASE_URL). A mistake is
 * refused at the start, with all mistakes named.
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { getDomain } from 'tldts';
import { parse } from 'yaml';
import { z } from 'zod';
import { CodedError, messageOf } from '../base/errors.ts';
import { LOG_LEVELS } from '../base/log.ts';

const httpUrl = z.url({ protocol: /^https?$/ });
const providerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'small letters, digits and dashes');

const fileSchema = z.strictObject({
  /** Where browsers and clients reach the dashboard: `https://telepresence.example.com`. */
  url: httpUrl.default('http://localhost:8088'),
  /** `[address]:port`. Default: all addresses and the port of `url` (localhost alone for a localhost url). */
  listen: z.string().optional(),
  /** Previews are at `<random>.<previewDomain>[:port]`; another registrable domain than `url`'s. */
  previewDomain: z.string().optional(),
  database: z.string().optional(),
  /** Where the SQLite file stands. */
  dataDir: z.string().optional(),
  /** Paths of PEM files. */
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
  /** How many proxies stand in front and append to X-Forwarded-For; `true` is one. */
  behindProxy: z.union([z.boolean().transform(Number), z.number().int().min(0).max(8)]).default(0),
  providers: z
    .strictObject({
      github: z
        .strictObject({
          clientId: z.string().min(1),
          clientSecret: z.string().min(1),
          /** Only members of these may sign in; empty: everybody. */
          organisations: z.array(z.string()).default([]),
          authorizeUrl: httpUrl.default('https://github.com/login/oauth/authorize'),
          tokenUrl: httpUrl.default('https://github.com/login/oauth/access_token'),
          apiUrl: httpUrl.default('https://api.github.com'),
        })
        .optional(),
      oidc: z
        .array(
          z.strictObject({
            name: providerName,
            label: z.string().optional(),
            issuer: httpUrl,
            clientId: z.string().min(1),
            clientSecret: z.string().min(1),
            scope: z.string().default('openid profile email'),
            /** Everybody whom this issuer knows is a member of the organisation of that name. For issuers of one company only. */
            organisation: z.string().optional(),
            /** A claim that lists the names of the user's organisations. */
            organisationsClaim: z.string().optional(),
          }),
        )
        .default([]),
    })
    .default({ oidc: [] }),
  /** Accounts with a password. */
  local: z.boolean().default(true),
  /** `[address]:port` of a plain listener for `/healthz`, `/readyz` and `/metrics`. */
  metrics: z.string().optional(),
  /** With PostgreSQL and several replicas: where the others reach this one, and the secret they share. */
  replica: z.strictObject({ address: httpUrl, secret: z.string().min(32) }).optional(),
  logLevel: z.enum(LOG_LEVELS).default('info'),
});

export type CloudConfig = Omit<z.infer<typeof fileSchema>, 'database' | 'listen' | 'metrics' | 'previewDomain' | 'dataDir'> & {
  /** Without a slash at the end. */
  url: string;
  /** Browsers reach the dashboard over TLS: cookies are `__Host-`. */
  secure: boolean;
  listen: Listen;
  metrics: Listen | undefined;
  preview: {
    /** Without the label: `preview.example.net`. */
    domain: string;
    /** `:8088`, or nothing for the scheme's own. */
    port: string;
  };
  database: string;
};
export interface Listen {
  host: string | undefined;
  port: number;
}

/** Environment variables over the file. */
const FROM_ENV: Record<string, string> = {
  TELEPRESENCE_CLOUD_URL: 'url',
  TELEPRESENCE_CLOUD_LISTEN: 'listen',
  TELEPRESENCE_CLOUD_PREVIEW_DOMAIN: 'previewDomain',
  TELEPRESENCE_CLOUD_DATA_DIR: 'dataDir',
  TELEPRESENCE_CLOUD_METRICS: 'metrics',
  TELEPRESENCE_LOG_LEVEL: 'logLevel',
  DATABASE_URL: 'database',
};

/** Throws TP-CLOUD-CONFIG. */
export async function loadCloudConfig(env: Record<string, string | undefined>): Promise<CloudConfig> {
  const file = env['TELEPRESENCE_CLOUD_CONFIG'];
  let values: unknown = {};
  if (file !== undefined && file !== '') {
    try {
      values = parse(await readFile(file, 'utf8')) ?? {};
    } catch (error) {
      throw new CodedError('TP-CLOUD-CONFIG', `${file} can't be read: ${messageOf(error)}.`, { cause: error });
    }
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) throw new CodedError('TP-CLOUD-CONFIG', `${file} holds no settings.`);
  const overlay: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(FROM_ENV)) if (env[name] !== undefined && env[name] !== '') overlay[key] = env[name];
  if (env['TELEPRESENCE_CLOUD_REPLICA_SECRET'] !== undefined && env['TELEPRESENCE_CLOUD_REPLICA_ADDRESS'] !== undefined) {
    overlay['replica'] = { address: env['TELEPRESENCE_CLOUD_REPLICA_ADDRESS'], secret: env['TELEPRESENCE_CLOUD_REPLICA_SECRET'] };
  }
  return parseCloudConfig({ ...values, ...overlay }, { dataDir: defaultDataDir(env) });
}

function defaultDataDir(env: Record<string, string | undefined>): string {
  const base = env['XDG_DATA_HOME'] ?? (env['HOME'] === undefined ? '.' : path.join(env['HOME'], '.local', 'share'));
  return path.join(base, 'telepresence-cloud');
}

/** Throws TP-CLOUD-CONFIG with every mistake. */
export function parseCloudConfig(values: unknown, options: { dataDir: string }): CloudConfig {
  const parsed = fileSchema.safeParse(values);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`));
  const { previewDomain, listen, metrics, database, dataDir, ...rest } = parsed.data;
  const problems: string[] = [];
  const url = new URL(rest.url);
  const secure = url.protocol === 'https:';
  const isLocal = url.hostname === 'localhost';
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') problems.push('url: only scheme, host and port');
  if (rest.url.startsWith('http:') && !isLoopback(url.hostname)) problems.push('url: must be https, for cookies and tokens go there (localhost apart)');
  if (rest.tls !== undefined && !secure) problems.push('tls: given, but url is not https');
  if (secure && rest.tls === undefined && rest.behindProxy === 0) problems.push('tls or behindProxy: one is needed where url is https');
  if (previewDomain === undefined && !isLocal) problems.push('previewDomain: is needed where url is not localhost');
  const preview = parsePreviewDomain(previewDomain ?? `preview.localhost${url.port === '' ? '' : `:${url.port}`}`, url, problems);
  const names = rest.providers.oidc.map(({ name }) => name);
  for (const name of names)
    if (name === 'github' || name === 'local' || names.indexOf(name) !== names.lastIndexOf(name)) problems.push(`providers.oidc: the name ${name} is taken`);
  if (rest.providers.github === undefined && names.length === 0 && !rest.local) problems.push('providers: nobody could sign in');
  const address = database ?? `sqlite:${path.join(dataDir ?? options.dataDir, 'cloud.db')}`;
  if (!/^(sqlite:.|postgres(ql)?:\/\/)/.test(address)) problems.push('database: sqlite:PATH or postgres://…');
  if (rest.replica !== undefined && address.startsWith('sqlite:')) problems.push('replica: several replicas need PostgreSQL');
  const defaultListen = { host: isLocal ? 'localhost' : undefined, port: Number(url.port) || (secure ? 443 : 80) };
  const config = {
    ...rest,
    url: url.origin,
    secure,
    preview,
    database: address,
    listen: listen === undefined ? defaultListen : parseListen(listen, 'listen', problems),
    metrics: metrics === undefined ? undefined : parseListen(metrics, 'metrics', problems),
  };
  if (problems.length > 0) throw invalid(problems);
  return config;
}

function parsePreviewDomain(text: string, url: URL, problems: string[]): CloudConfig['preview'] {
  const match = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?$/.exec(text.toLowerCase());
  const domain = match?.[1] ?? '';
  if (domain === '' || isIP(domain) !== 0) problems.push('previewDomain: must be a host name, with or without a port');
  else if (domain === url.hostname || url.hostname.endsWith(`.${domain}`)) problems.push('previewDomain: the dashboard may not stand below it');
  else if (url.hostname !== 'localhost' && registrable(domain) === registrable(url.hostname)) {
    problems.push(`previewDomain: must not share ${registrable(domain)} with url, for previews could then set cookies for the dashboard`);
  }
  return { domain, port: match?.[3] ?? (url.port === '' ? '' : `:${url.port}`) };
}

/** The part of a name that one owner registers, by the Public Suffix List with its private part (github.io). */
const registrable = (host: string): string => getDomain(host, { allowPrivateDomains: true }) ?? host;

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]';
}

function parseListen(text: string, name: string, problems: string[]): Listen {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) problems.push(`${name}: [address]:port`);
  return { host: (match?.[1] ?? match?.[2]) || undefined, port };
}

function invalid(problems: readonly string[]): CodedError {
  return new CodedError('TP-CLOUD-CONFIG', `The cloud's settings are wrong: ${problems.join('; ')}.`);
}

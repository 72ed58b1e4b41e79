/** Reads kubeconfig files as kubectl does: the KUBECONFIG list merged, paths relative to their file, flags on top. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { ExecPlugin, Impersonation, KubeConnection, KubeUser } from './connection.ts';
import { type ClusterEntry, type ConfigFile, configFileSchema, type UserEntry } from './kubeconfig-schema.ts';
import { proxyFromEnv } from './proxy.ts';

export interface KubeconfigOptions {
  /** kubectl's flags by their long names. */
  flags: Record<string, string | string[]>;
  /** The caller's environment: KUBECONFIG, HOME, proxies, and what plugins inherit. */
  env: Record<string, string>;
  cwd: string;
  /** The kubeconfig's text where `kubeconfig` is `-`. */
  stdin?: string;
}

export interface Kubeconfig {
  context: string;
  namespace: string;
  server: string;
  clusterName: string;
  userName: string;
  contexts: { name: string; cluster: string; user: string; namespace?: string; current: boolean }[];
  /** What the cluster's extension `telepresence.io` holds. */
  extensions: Record<string, unknown>;
  connection: KubeConnection;
}

interface Merged {
  clusters: Map<string, { entry: ClusterEntry; dir: string }>;
  users: Map<string, { entry: UserEntry; dir: string }>;
  contexts: Map<string, { cluster: string; user: string; namespace?: string }>;
  current: string;
  files: string[];
}

/** Reads, merges and resolves. Fails with TP-KUBE-NO-CONFIG, TP-KUBE-BAD-CONFIG or TP-KUBE-NO-CONTEXT. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<Kubeconfig> {
  const { flags, env, cwd } = options;
  const flag = (name: string): string | undefined => {
    const value = flags[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    return last === '' ? undefined : last;
  };
  const merged = await readAll(options, flag('kubeconfig'));
  const contextName = flag('context') ?? merged.current;
  const context = contextName === '' ? undefined : merged.contexts.get(contextName);
  const named = [...merged.contexts.keys()];
  if (context === undefined && contextName !== '')
    throw new CodedError('TP-KUBE-NO-CONTEXT', `The kubeconfig has no context ${contextName}${named.length === 0 ? '' : `; it has ${named.join(', ')}`}.`);
  const clusterName = flag('cluster') ?? context?.cluster ?? '';
  const userName = flag('user') ?? context?.user ?? '';
  const cluster = clusterName === '' ? undefined : merged.clusters.get(clusterName);
  const user = userName === '' ? undefined : merged.users.get(userName);
  if (context === undefined && flag('server') === undefined && cluster === undefined) {
    if (merged.files.length === 0) throw new CodedError('TP-KUBE-NO-CONFIG', 'There is no kubeconfig.');
    throw new CodedError('TP-KUBE-NO-CONTEXT', `The kubeconfig (${merged.files.join(', ')}) has no current context.`, {
      help: `Choose one with \`kubectl config use-context\`, or pass --context${named.length === 0 ? '' : `: ${named.join(', ')}`}.`,
    });
  }
  if (clusterName !== '' && cluster === undefined)
    throw new CodedError(
      'TP-KUBE-BAD-CONFIG',
      `The kubeconfig has no cluster ${clusterName}, which ${flag('cluster') === undefined ? `the context ${contextName} names` : '--cluster names'}.`,
    );
  if (userName !== '' && user === undefined)
    throw new CodedError(
      'TP-KUBE-BAD-CONFIG',
      `The kubeconfig has no user ${userName}, which ${flag('user') === undefined ? `the context ${contextName} names` : '--user names'}.`,
    );

  const server = normalServer(flag('server') ?? cluster?.entry.server ?? '', clusterName);
  const insecure = flag('insecure-skip-tls-verify') ?? String(cluster?.entry['insecure-skip-tls-verify'] ?? false);
  const authority = insecure === 'true' ? undefined : await certificateAuthority(flag('certificate-authority'), cwd, cluster);
  const extensions = new Map((cluster?.entry.extensions ?? []).map((item) => [item.name, item.extension]));
  const proxyUrl = cluster?.entry['proxy-url'] || proxyFromEnv(server, env);
  if (proxyUrl !== undefined) checkProxy(proxyUrl);
  const tlsServerName = flag('tls-server-name') ?? cluster?.entry['tls-server-name'];
  const impersonate = impersonation(flags, flag, user?.entry);
  const timeout = flag('request-timeout');
  const connection: KubeConnection = {
    server,
    insecureSkipTlsVerify: insecure === 'true',
    user: await readUser(flag, cwd, env, user),
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    ...(tlsServerName ? { tlsServerName } : {}),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    ...(userName === '' ? {} : { userName }),
    ...(impersonate === undefined ? {} : { impersonate }),
    ...(timeout === undefined ? {} : { requestTimeoutMs: parseTimeout(timeout) }),
    ...(extensions.has(EXEC_EXTENSION) ? { execClusterConfig: extensions.get(EXEC_EXTENSION) } : {}),
  };
  const ours = extensions.get('telepresence.io');
  return {
    context: contextName,
    namespace: flag('namespace') ?? (context?.namespace || 'default'),
    server,
    clusterName,
    userName,
    contexts: Array.from(merged.contexts, ([name, entry]) => ({ name, ...entry, current: name === contextName })),
    extensions: typeof ours === 'object' && ours !== null ? { ...ours } : {},
    connection,
  };
}

const EXEC_EXTENSION = 'client.authentication.k8s.io/exec';

async function readAll(options: KubeconfigOptions, explicit: string | undefined): Promise<Merged> {
  const merged: Merged = { clusters: new Map(), users: new Map(), contexts: new Map(), current: '', files: [] };
  if (explicit === '-') {
    if (options.stdin === undefined) throw new CodedError('TP-KUBE-NO-CONFIG', 'The kubeconfig was to come from the standard input, where there was none.');
    add(merged, parseFile(options.stdin, 'the standard input'), options.cwd, '-');
    return merged;
  }
  const list = (options.env['KUBECONFIG'] ?? '').split(path.delimiter).filter((item) => item !== '');
  const home = options.env['HOME'];
  const files = explicit !== undefined ? [explicit] : list.length > 0 ? list : home === undefined ? [] : [path.join(home, '.kube', 'config')];
  for (const file of new Set(files)) {
    const whole = path.resolve(options.cwd, file);
    let text: string;
    try {
      text = await readFile(whole, 'utf8');
    } catch (error) {
      // kubectl passes over missing files of the list, but not over one that a flag names.
      if (codeOf(error) === 'ENOENT' && explicit === undefined) continue;
      throw new CodedError('TP-KUBE-NO-CONFIG', `The kubeconfig ${whole} can't be read: ${messageOf(error)}.`, { cause: error });
    }
    add(merged, parseFile(text, whole), path.dirname(whole), whole);
  }
  if (merged.files.length === 0 && options.flags['server'] === undefined)
    throw new CodedError(
      'TP-KUBE-NO-CONFIG',
      files.length === 0
        ? 'There is no kubeconfig: neither KUBECONFIG nor HOME is set.'
        : `There is no kubeconfig: ${files.join(', ')} ${files.length === 1 ? 'does' : 'do'} not exist.`,
    );
  return merged;
}

function parseFile(text: string, where: string): ConfigFile {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new CodedError('TP-KUBE-BAD-CONFIG', `The kubeconfig (${where}) is not YAML${lineOf(error)}.`);
  }
  const result = configFileSchema.safeParse(value ?? {});
  if (result.success) return result.data;
  // Values are never quoted: they may be secrets.
  throw new CodedError(
    'TP-KUBE-BAD-CONFIG',
    `The kubeconfig (${where}) can't be used: ${result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}.`,
  );
}

function lineOf(error: unknown): string {
  const at = error instanceof Error && 'linePos' in error ? (error.linePos as { line: number }[] | undefined)?.[0]?.line : undefined;
  return at === undefined ? '' : ` (line ${at})`;
}

/** The first file that names a thing decides what it is. */
function add(merged: Merged, file: ConfigFile, dir: string, where: string): void {
  merged.files.push(where);
  merged.current ||= file['current-context'] ?? '';
  for (const { name, cluster } of file.clusters ?? []) if (!merged.clusters.has(name)) merged.clusters.set(name, { entry: cluster ?? {}, dir });
  for (const { name, user } of file.users ?? []) if (!merged.users.has(name)) merged.users.set(name, { entry: user ?? {}, dir });
  for (const { name, context } of file.contexts ?? []) {
    if (merged.contexts.has(name)) continue;
    merged.contexts.set(name, { cluster: context?.cluster ?? '', user: context?.user ?? '', ...(context?.namespace ? { namespace: context.namespace } : {}) });
  }
}

function normalServer(server: string, clusterName: string): string {
  if (server === '') throw new CodedError('TP-KUBE-BAD-CONFIG', `The cluster ${clusterName} of the kubeconfig has no server.`);
  // kubectl takes a bare host for http.
  const whole = /^https?:\/\//i.test(server) ? server : `http://${server}`;
  if (!URL.canParse(whole)) throw new CodedError('TP-KUBE-BAD-CONFIG', `The server ${server} of the kubeconfig is not a URL.`);
  return whole.replace(/\/+$/, '');
}

function checkProxy(proxyUrl: string): void {
  if (URL.canParse(proxyUrl) && ['http:', 'https:', 'socks5:', 'socks5h:'].includes(new URL(proxyUrl).protocol)) return;
  throw new CodedError('TP-KUBE-BAD-CONFIG', 'The proxy of the kubeconfig or the environment is not a URL of http, https or socks5.');
}

async function fileOr(data: string | null | undefined, file: string | null | undefined, dir: string, what: string): Promise<{ text?: string; file?: string }> {
  if (data) return { text: Buffer.from(data, 'base64').toString('utf8') };
  if (!file) return {};
  const whole = path.resolve(dir, file);
  try {
    return { text: await readFile(whole, 'utf8'), file: whole };
  } catch (error) {
    throw new CodedError('TP-KUBE-BAD-CONFIG', `The ${what} of the kubeconfig can't be read: ${messageOf(error)}.`, { cause: error });
  }
}

async function certificateAuthority(
  flag: string | undefined,
  cwd: string,
  cluster: { entry: ClusterEntry; dir: string } | undefined,
): Promise<string | undefined> {
  if (flag !== undefined) return (await fileOr(undefined, flag, cwd, 'certificate-authority')).text;
  if (cluster === undefined) return undefined;
  return (await fileOr(cluster.entry['certificate-authority-data'], cluster.entry['certificate-authority'], cluster.dir, 'certificate-authority')).text;
}

async function readUser(
  flag: (name: string) => string | undefined,
  cwd: string,
  env: Record<string, string>,
  found: { entry: UserEntry; dir: string } | undefined,
): Promise<KubeUser> {
  const entry = found?.entry ?? {};
  const dir = found?.dir ?? cwd;
  const provider = entry['auth-provider'];
  if (provider && flag('token') === undefined) {
    throw new CodedError(
      'TP-KUBE-BAD-CONFIG',
      `The user of the kubeconfig logs in by the auth-provider ${provider.name ?? ''}, which Kubernetes has removed.`,
      { help: 'Use a credential plugin (exec) in its place, for example kubelogin for OIDC or gke-gcloud-auth-plugin for GKE.' },
    );
  }
  const flagToken = flag('token');
  const certificate =
    flag('client-certificate') === undefined
      ? await fileOr(entry['client-certificate-data'], entry['client-certificate'], dir, 'client-certificate')
      : await fileOr(undefined, flag('client-certificate'), cwd, 'client-certificate');
  const key =
    flag('client-key') === undefined
      ? await fileOr(entry['client-key-data'], entry['client-key'], dir, 'client-key')
      : await fileOr(undefined, flag('client-key'), cwd, 'client-key');
  const username = flag('username') ?? entry.username;
  const password = flag('password') ?? entry.password;
  return {
    ...(flagToken !== undefined
      ? { token: flagToken }
      : entry.tokenFile
        ? { tokenFile: path.resolve(dir, entry.tokenFile) }
        : entry.token
          ? { token: entry.token }
          : {}),
    ...(username ? { username, password: password ?? '' } : {}),
    ...(certificate.text === undefined ? {} : { clientCertificate: certificate.text }),
    ...(certificate.file === undefined ? {} : { clientCertificateFile: certificate.file }),
    ...(key.text === undefined ? {} : { clientKey: key.text }),
    ...(key.file === undefined ? {} : { clientKeyFile: key.file }),
    ...(entry.exec ? { exec: execPlugin(entry.exec, dir, cwd, env) } : {}),
  };
}

function execPlugin(exec: NonNullable<UserEntry['exec']>, dir: string, cwd: string, callerEnv: Record<string, string>): ExecPlugin {
  return {
    apiVersion: exec.apiVersion,
    // A path is relative to its kubeconfig, a bare name is looked up in the PATH.
    command: exec.command.includes('/') ? path.resolve(dir, exec.command) : exec.command,
    args: exec.args ?? [],
    env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    interactiveMode: exec.interactiveMode ?? 'IfAvailable',
    provideClusterInfo: exec.provideClusterInfo ?? false,
    ...(exec.installHint ? { installHint: exec.installHint } : {}),
    cwd,
    callerEnv,
  };
}

function impersonation(
  flags: Record<string, string | string[]>,
  flag: (name: string) => string | undefined,
  entry: UserEntry | undefined,
): Impersonation | undefined {
  const many = (name: string): string[] | undefined => (flags[name] === undefined ? undefined : [flags[name]].flat());
  const user = flag('as') ?? entry?.as;
  const uid = flag('as-uid') ?? entry?.['as-uid'];
  const groups = many('as-group') ?? entry?.['as-groups'] ?? [];
  const extra: Record<string, string[]> = { ...entry?.['as-user-extra'] };
  for (const pair of many('as-user-extra') ?? []) {
    const [key = '', ...value] = pair.split('=');
    extra[key] = [...(extra[key] ?? []), value.join('=')];
  }
  if (!user && !uid && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
  if (!user)
    throw new CodedError('TP-KUBE-BAD-CONFIG', 'Groups, a uid or extras are to be impersonated, but no user is.', {
      help: 'Pass --as with the name of the user too.',
    });
  return { user, groups, extra, ...(uid ? { uid } : {}) };
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** kubectl's forms: `0`, seconds as a bare number, `1m30s`. */
function parseTimeout(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new CodedError('TP-USAGE', `--request-timeout ${text} is not a time; 30s or 1m are.`);
  return Array.from(text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)).reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0), 0);
}

/**
 * Credential plugins (`users[].user.exec`, client.authentication.k8s.io): run in the caller's environment and directory,
 * told about the cluster when they ask for it, and not run again before what they gave expires or is refused.
 */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ExecPlugin, KubeConnection } from './connection.ts';
import { KUBE_EXEC_EXPIRY_SLACK_MS, KUBE_EXEC_OUTPUT_LIMIT, KUBE_EXEC_TIMEOUT_MS } from './limits.ts';

export interface ExecCredentials {
  token?: string;
  certificate?: string;
  key?: string;
  /** Milliseconds since the epoch. */
  expires?: number;
}

export interface ExecRunner {
  current(signal?: AbortSignal): Promise<ExecCredentials>;
  /** Forgets the credentials if they are still the refused ones: two requests that met 401 together run the plugin once. */
  discard(refused: { headers: Record<string, string | string[]>; certificate?: string }, signal?: AbortSignal): Promise<void>;
}

const answerSchema = z.looseObject({
  kind: z.literal('ExecCredential'),
  apiVersion: z.string(),
  status: z.looseObject({
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
    expirationTimestamp: z.string().nullish(),
  }),
});

export function createExecRunner(
  plugin: ExecPlugin,
  connection: KubeConnection,
  options: { log: Log; env?: Record<string, string>; interactive?: boolean },
): ExecRunner {
  let kept: ExecCredentials | undefined;
  let running: Promise<ExecCredentials> | undefined;

  return {
    async current(signal) {
      if (kept !== undefined && (kept.expires === undefined || kept.expires - KUBE_EXEC_EXPIRY_SLACK_MS > Date.now())) return kept;
      running ??= runPlugin(plugin, connection, options).finally(() => {
        running = undefined;
      });
      kept = await unlessAborted(running, signal);
      return kept;
    },
    async discard(refused, signal) {
      signal?.throwIfAborted();
      if (kept === undefined) return;
      const same = kept.token === undefined ? kept.certificate === refused.certificate : refused.headers['authorization'] === `Bearer ${kept.token}`;
      if (same) kept = undefined;
    },
  };
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(signal.reason);
    }
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function runPlugin(
  plugin: ExecPlugin,
  connection: KubeConnection,
  options: { log: Log; env?: Record<string, string>; interactive?: boolean },
): Promise<ExecCredentials> {
  const interactive = options.interactive === true && plugin.interactiveMode !== 'Never';
  if (plugin.interactiveMode === 'Always' && !interactive) {
    throw new CodedError('TP-KUBE-EXEC-PLUGIN', `The credential plugin ${plugin.command} of the user ${connection.userName ?? ''} works only in a terminal.`, {
      help: 'Log in with the plugin by hand, or set interactiveMode: IfAvailable in the kubeconfig.',
    });
  }
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive, ...(plugin.provideClusterInfo ? { cluster: clusterInfo(connection) } : {}) },
  };
  options.log.debug('running the credential plugin', { command: plugin.command });
  const env = { ...plugin.callerEnv, ...options.env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const { stdout, stderr, code } = await run(plugin, env, interactive, connection);
  const said = stderr.trim().split('\n').slice(-5).join('\n');
  if (code !== 0)
    throw new CodedError('TP-KUBE-EXEC-PLUGIN', `The credential plugin ${plugin.command} failed with exit code ${code}${said === '' ? '' : `: ${said}`}`);
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch (error) {
    // The output may hold a token: never quoted, and the parser's message quotes it.
    throw new CodedError('TP-KUBE-EXEC-PLUGIN', `The credential plugin ${plugin.command} did not print JSON${said === '' ? '' : `: ${said}`}.`, {
      cause: codeOf(error),
    });
  }
  const answer = answerSchema.safeParse(json);
  if (!answer.success)
    throw new CodedError(
      'TP-KUBE-EXEC-PLUGIN',
      `The credential plugin ${plugin.command} did not print an ExecCredential: ${answer.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}.`,
    );
  if (answer.data.apiVersion !== plugin.apiVersion)
    throw new CodedError(
      'TP-KUBE-EXEC-PLUGIN',
      `The credential plugin ${plugin.command} answered with ${answer.data.apiVersion}, the kubeconfig says ${plugin.apiVersion}.`,
    );
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.data.status;
  if (!token && !(clientCertificateData && clientKeyData))
    throw new CodedError('TP-KUBE-EXEC-PLUGIN', `The credential plugin ${plugin.command} gave neither a token nor a certificate with its key.`);
  const ends = [expirationTimestamp ? Date.parse(expirationTimestamp) : Number.NaN, clientCertificateData ? endOf(clientCertificateData) : Number.NaN];
  const expires = Math.min(...ends.filter((end) => !Number.isNaN(end)));
  return {
    ...(token ? { token } : {}),
    ...(clientCertificateData && clientKeyData ? { certificate: clientCertificateData, key: clientKeyData } : {}),
    ...(Number.isFinite(expires) ? { expires } : {}),
  };
}

/** A certificate that can't be parsed is reported when it is used. */
function endOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch {
    return Number.NaN;
  }
}

function clusterInfo(connection: KubeConnection): Record<string, unknown> {
  return {
    server: connection.server,
    ...(connection.tlsServerName === undefined ? {} : { 'tls-server-name': connection.tlsServerName }),
    ...(connection.insecureSkipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(connection.certificateAuthority === undefined ? {} : { 'certificate-authority-data': Buffer.from(connection.certificateAuthority).toString('base64') }),
    ...(connection.proxyUrl === undefined ? {} : { 'proxy-url': connection.proxyUrl }),
    ...(connection.execClusterConfig === undefined ? {} : { config: connection.execClusterConfig }),
  };
}

function run(
  plugin: ExecPlugin,
  env: Record<string, string>,
  interactive: boolean,
  connection: KubeConnection,
): Promise<{ stdout: string; stderr: string; code: number | string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, plugin.args, {
      cwd: plugin.cwd,
      env,
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', interactive ? 'inherit' : 'pipe'],
      timeout: KUBE_EXEC_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const output: Buffer[] = [];
    let size = 0;
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > KUBE_EXEC_OUTPUT_LIMIT) child.kill('SIGKILL');
      else output.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-4096);
    });
    child.on('error', (error) => {
      const missing = codeOf(error) === 'ENOENT';
      const message = missing
        ? `The credential plugin ${plugin.command} of the user ${connection.userName ?? ''} is not installed or not in the PATH.`
        : `The credential plugin ${plugin.command} can't be started: ${messageOf(error)}.`;
      reject(
        new CodedError('TP-KUBE-EXEC-PLUGIN', message, {
          cause: error,
          ...(missing && plugin.installHint !== undefined ? { help: plugin.installHint.trim() } : {}),
        }),
      );
    });
    child.on('close', (code, signal) => resolve({ stdout: Buffer.concat(output).toString('utf8'), stderr, code: code ?? signal ?? 'unknown' }));
  });
}

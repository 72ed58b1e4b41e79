/** What a user presents to the API server: headers and a client certificate, kept fresh. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Impersonation, KubeConnection } from './connection.ts';
import { createExecRunner } from './exec-plugin.ts';
import { KUBE_CREDENTIAL_FILE_MS } from './limits.ts';

export interface Credentials {
  headers: Record<string, string | string[]>;
  certificate?: string;
  key?: string;
}

export interface CredentialSource {
  /** Throws TP-KUBE-CERTIFICATE when the client certificate has run out. */
  current(signal?: AbortSignal): Promise<Credentials>;
  /** The server said 401. Resolves to whether another try with `current()` could help. */
  refresh(refused: Credentials, signal?: AbortSignal): Promise<boolean>;
}

/** Keeps tokens and certificates of files and plugins fresh. Runs at most one plugin at a time. */
export function createCredentials(connection: KubeConnection, options: { log: Log; env?: Record<string, string>; interactive?: boolean }): CredentialSource {
  const { user } = connection;
  const impersonation = impersonationHeaders(connection.impersonate);
  const runner = user.exec === undefined ? undefined : createExecRunner(user.exec, connection, options);
  let files: { at: number; token?: string; certificate?: string; key?: string } | undefined;

  async function read(path: string | undefined, kept: string | undefined): Promise<string | undefined> {
    if (path === undefined) return kept;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      // Half-way through a rotation the last good value is the better guess; with none there is nothing to go on with.
      if (kept !== undefined) return kept;
      throw new CodedError('TP-KUBE-BAD-CONFIG', `The credentials of the user ${connection.userName ?? ''} can't be read: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }

  async function fromFiles(): Promise<NonNullable<typeof files>> {
    if (files !== undefined && Date.now() - files.at < KUBE_CREDENTIAL_FILE_MS) return files;
    const token = (await read(user.tokenFile, files?.token ?? (user.tokenFile === undefined ? user.token : undefined)))?.trim();
    const certificate = await read(user.clientCertificateFile, files?.certificate ?? user.clientCertificate);
    const key = await read(user.clientKeyFile, files?.key ?? user.clientKey);
    files = {
      at: Date.now(),
      ...(token === undefined ? {} : { token }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    };
    return files;
  }

  async function current(signal?: AbortSignal): Promise<Credentials> {
    const own = await fromFiles();
    const headers: Record<string, string | string[]> = { ...impersonation };
    let { token, certificate, key } = own;
    if (token === undefined && user.username !== undefined)
      headers['authorization'] = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
    else if (token === undefined && runner !== undefined) {
      const given = await runner.current(signal);
      token = given.token;
      certificate = given.certificate ?? certificate;
      key = given.key ?? key;
    }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (certificate === undefined || key === undefined) return { headers };
    checkExpiry(certificate, connection);
    return { headers, certificate, key };
  }

  return {
    current,
    async refresh(refused, signal) {
      files = undefined;
      if (runner !== undefined && user.token === undefined && user.tokenFile === undefined && user.username === undefined) {
        await runner.discard(refused, signal);
        return true;
      }
      const next = await current(signal);
      return next.headers['authorization'] !== refused.headers['authorization'] || next.certificate !== refused.certificate;
    },
  };
}

/** The API server takes an expired client certificate for none at all and says 401; here the user is told why. */
function checkExpiry(certificate: string, connection: KubeConnection): void {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch (error) {
    throw new CodedError('TP-KUBE-BAD-CONFIG', `The client certificate of the user ${connection.userName ?? ''} can't be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const who = `The client certificate of the user ${connection.userName ?? parsed.subject.replaceAll('\n', ', ')}`;
  if (Date.parse(parsed.validTo) < Date.now())
    throw new CodedError('TP-KUBE-CERTIFICATE', `${who} expired on ${new Date(parsed.validTo).toISOString()}.`, {
      help: 'Get a new client certificate from whoever gave you the kubeconfig, or check the clock of this machine.',
    });
  if (Date.parse(parsed.validFrom) > Date.now())
    throw new CodedError('TP-KUBE-CERTIFICATE', `${who} is valid only from ${new Date(parsed.validFrom).toISOString()} on.`, {
      help: 'Check the clock of this machine.',
    });
}

function impersonationHeaders(as: Impersonation | undefined): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  if (as === undefined) return headers;
  if (as.user !== undefined) headers['impersonate-user'] = as.user;
  if (as.uid !== undefined) headers['impersonate-uid'] = as.uid;
  if (as.groups.length > 0) headers['impersonate-group'] = as.groups;
  // Keys of extras are unescaped by the server, because header names can't hold every character.
  for (const [key, values] of Object.entries(as.extra)) headers[`impersonate-extra-${encodeURIComponent(key)}`] = values;
  return headers;
}

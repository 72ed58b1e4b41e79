/** From what an API server, TLS or the network says to one sentence with a code. */
import type { Status } from 'kubernetes-types/meta/v1.js';
import type { ErrorCode } from '../base/error-codes.ts';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';

export type KubeStatus = Status;

/** What was tried, for messages. */
export interface RequestContext {
  method: string;
  path: string;
  server: string;
}

/** The Status object that an API server gave as the reason of this error, if one did. */
export function statusOf(error: unknown): KubeStatus | undefined {
  if (!(error instanceof CodedError)) return undefined;
  return isStatus(error.cause) ? error.cause : undefined;
}

export function isStatus(value: unknown): value is KubeStatus {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** The Status in a body; anything else (a proxy's page, a pod's text) becomes the message of one that is made up. */
export function parseStatus(code: number, body: string): KubeStatus {
  try {
    const value: unknown = JSON.parse(body);
    if (isStatus(value)) return { ...value, code: value.code ?? code };
  } catch {
    // Not JSON: told as text below.
  }
  const text = body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: text === '' ? `HTTP status ${code} without a reason` : text };
}

const CODES: Partial<Record<number, ErrorCode>> = {
  401: 'TP-KUBE-UNAUTHORIZED',
  403: 'TP-KUBE-FORBIDDEN',
  404: 'TP-KUBE-NOT-FOUND',
  409: 'TP-KUBE-CONFLICT',
};

/** The error for a refused request. Its `cause` is the Status. */
export function errorOfStatus(status: KubeStatus, context: RequestContext): CodedError {
  const code = status.code ?? 500;
  const said = status.message ?? status.reason ?? `HTTP status ${code}`;
  if (code === 401)
    return new CodedError(
      'TP-KUBE-UNAUTHORIZED',
      `The API server ${context.server} does not accept the credentials of this user: ${said}.`.replace(/\.\.$/, '.'),
      { cause: status },
    );
  if (code === 403) {
    const missing = missingRight(said);
    if (missing !== undefined)
      return new CodedError('TP-KUBE-FORBIDDEN', missing.sentence, {
        help: `Ask an administrator of the cluster for the right: ${missing.right}.`,
        cause: status,
      });
  }
  return new CodedError(CODES[code] ?? 'TP-KUBE-API', `${context.method} ${context.path}: ${said}`, { cause: status });
}

const DENIED =
  /User "([^"]*)" cannot (\S+) (?:resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)"| at the cluster scope)?|path "([^"]*)")(?:: (.*))?/s;
const DENIED_NAME = /^\S+ "([^"]*)" is forbidden/;

/** Who lacks which right, from the sentence of the API server's authorizer; undefined for other refusals (admission, quota). */
function missingRight(message: string): { sentence: string; right: string } | undefined {
  const match = DENIED.exec(message);
  if (match === null) return undefined;
  const [, user = '', verb = '', resource, group = '', namespace, path] = match;
  const name = DENIED_NAME.exec(message)?.[1];
  const what = resource === undefined ? `the path ${path ?? ''}` : `${resource}${group === '' ? '' : `.${group}`}`;
  const which = name === undefined || name === '' ? '' : ` named ${name}`;
  const where = resource === undefined ? '' : namespace === undefined ? ' in the whole cluster' : ` in the namespace ${namespace}`;
  return { sentence: `The user ${user} may not ${verb} ${what}${which}${where}.`, right: `${verb} on ${what}${which}${where}, for ${user}` };
}

const UNREACHABLE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known to the DNS',
  EAI_AGAIN: 'the DNS gives no answer for its name',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ECONNABORTED: 'the connection was aborted',
  ETIMEDOUT: 'it does not answer',
};

const CERTIFICATE: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not the one the kubeconfig trusts',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that the kubeconfig does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that the kubeconfig does not trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that the kubeconfig does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that the kubeconfig does not trust',
  CERT_SIGNATURE_FAILURE: 'its certificate was not signed by the authority that the kubeconfig trusts',
  CERT_UNTRUSTED: 'its certificate is not trusted',
  CERT_REJECTED: 'its certificate is rejected',
  CERT_REVOKED: 'its certificate was revoked',
  INVALID_CA: 'the authority that signed its certificate is not allowed to sign',
  INVALID_PURPOSE: 'its certificate is not meant for a server',
  HOSTNAME_MISMATCH: 'its certificate is for another name',
};

/** The error for a failed connection. Coded errors and abort reasons pass. */
export function errorOfNetwork(thrown: unknown, context: { server: string }): CodedError {
  if (thrown instanceof CodedError) return thrown;
  const code = codeOf(thrown) ?? '';
  const at = `The API server ${context.server}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const reason = thrown instanceof Error && 'reason' in thrown ? String(thrown.reason) : messageOf(thrown);
    return new CodedError('TP-KUBE-CERTIFICATE', `${at} can't be trusted: its certificate is for another name (${reason}).`, {
      cause: thrown,
      help: 'Use the address that the certificate names, or set tls-server-name in the kubeconfig.',
    });
  }
  const certificate = CERTIFICATE[code];
  if (certificate !== undefined) return new CodedError('TP-KUBE-CERTIFICATE', `${at} can't be trusted: ${certificate}.`, { cause: thrown });
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return new CodedError('TP-KUBE-CERTIFICATE', `${at} does not speak TLS on that port.`, {
      cause: thrown,
      help: 'Check the port and http:// or https:// in the server address of the kubeconfig.',
    });
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL')) {
    return new CodedError('TP-KUBE-CERTIFICATE', `The TLS handshake with the API server ${context.server} failed: ${messageOf(thrown)}.`, { cause: thrown });
  }
  return new CodedError('TP-KUBE-UNREACHABLE', `${at} can't be reached: ${UNREACHABLE[code] ?? (messageOf(thrown) || code)}.`, { cause: thrown });
}

export function timeoutError(context: RequestContext, timeoutMs: number): CodedError {
  return new CodedError('TP-KUBE-TIMEOUT', `The API server ${context.server} did not answer ${context.method} ${context.path} within ${timeoutMs / 1000} s.`);
}

/** One call of one webhook. */
import { request as httpsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { codeOf, messageOf } from '../../../base/errors.ts';
import type { ClusterClient, NodeStreams } from '../../contract.ts';
import { WEBHOOK_ANSWER_LIMIT, WEBHOOK_TIMEOUT_S } from '../limits.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';
import type { AdmissionResponse, Webhook } from './objects.ts';

/** Says `failed to call webhook: …`; the failure policy decides what it means. */
export class WebhookFailure extends Error {}

const CERTIFICATE_CODES = /CERT|SIGNED|ISSUER|SIGNATURE/;

function wordsOf(error: unknown): string {
  const code = codeOf(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${messageOf(error)}`;
  if (CERTIFICATE_CODES.test(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  if (code.startsWith('ERR_SSL')) return 'http: server gave HTTP response to HTTPS client';
  if (code === 'ECONNRESET') return 'EOF';
  return messageOf(error);
}

async function post({ url, dial }: Endpoint, caBundle: string | undefined, body: string, signal: AbortSignal): Promise<{ code: number; body: string }> {
  const ca = caBundle === undefined || caBundle === '' ? undefined : Buffer.from(caBundle, 'base64').toString('utf8');
  const socket = dial === undefined ? undefined : await dial();
  return await new Promise((resolve, reject) => {
    const stop = () => socket?.destroy();
    const request = httpsRequest(
      url,
      {
        method: 'POST',
        signal,
        servername: url.hostname,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body) },
        ...(ca === undefined ? {} : { ca }),
        ...(socket === undefined
          ? { agent: false as const }
          : { createConnection: () => tlsConnect({ socket, servername: url.hostname, ...(ca === undefined ? {} : { ca }) }) }),
      },
      (answer) => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on('data', (part: Buffer) => {
          size += part.length;
          if (size > WEBHOOK_ANSWER_LIMIT) request.destroy(new Error('the answer is too long'));
          else parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          stop();
          resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') });
        });
      },
    );
    request.on('error', (error) => {
      stop();
      reject(error);
    });
    request.end(body);
  });
}

export interface Caller {
  client: ClusterClient;
  dial: NodeStreams['dial'];
}

/** @throws {WebhookFailure} when no usable answer came in time. */
export async function callWebhook({ client, dial }: Caller, webhook: Webhook, request: Record<string, unknown>): Promise<AdmissionResponse> {
  const seconds = webhook.timeoutSeconds ?? WEBHOOK_TIMEOUT_S;
  const endpoint = await endpointOf(client, dial, webhook);
  const called = `Post "${endpoint.url.protocol}//${endpoint.url.hostname}:${endpoint.url.port === '' ? '443' : endpoint.url.port}${endpoint.url.pathname}?timeout=${seconds}s"`;
  const signal = AbortSignal.timeout(seconds * 1000);
  endpoint.url.searchParams.set('timeout', `${seconds}s`);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new WebhookFailure(`failed to call webhook: ${called}: context deadline exceeded`)), { once: true });
  });
  const review = JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request });
  const work = post(endpoint, webhook.clientConfig.caBundle, review, signal).catch((error: unknown) => {
    throw new WebhookFailure(`failed to call webhook: ${called}: ${wordsOf(error)}`, { cause: error });
  });
  const { code, body } = await Promise.race([work, late]);
  if (code !== 200) throw new WebhookFailure(`failed to call webhook: the server rejected our request for an unknown reason`);
  let answer: { response?: AdmissionResponse };
  try {
    answer = JSON.parse(body) as { response?: AdmissionResponse };
  } catch (error) {
    throw new WebhookFailure(`failed to call webhook: couldn't get version/kind; json parse error: ${messageOf(error)}`, { cause: error });
  }
  const { response } = answer;
  if (response === undefined) throw new WebhookFailure('received invalid webhook response: webhook response is absent');
  if (response.uid !== request['uid'])
    throw new WebhookFailure(
      `received invalid webhook response: expected response.uid=${JSON.stringify(request['uid'])}, got ${JSON.stringify(response.uid ?? '')}`,
    );
  return response;
}

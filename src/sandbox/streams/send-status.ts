/** A failure as the API server sends it: a Status, as the answer of a request or raw on a socket that was to be upgraded. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import { STATUS_CODES } from '../../base/node-http.ts';
import { statusOf } from '../../kube/status-error.ts';
import { StatusError } from '../contract.ts';

/** Whatever was thrown, as a Status; unknown errors are the server's fault. */
export function statusErrorOf(thrown: unknown): StatusError {
  if (thrown instanceof StatusError) return thrown;
  const status = statusOf(thrown);
  if (status !== undefined)
    return new StatusError(status.code ?? 500, status.reason ?? '', status.message ?? '', status.details as Record<string, unknown> | undefined);
  return new StatusError(500, '', messageOf(thrown));
}

function bodyOf({ code, reason, message, details }: StatusError): string {
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

export function sendStatus(response: ServerResponse, thrown: unknown): void {
  const error = statusErrorOf(thrown);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = bodyOf(error);
  response.writeHead(error.code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The last thing that this connection carries. */
export function refuseUpgrade(socket: Duplex, thrown: unknown): void {
  const error = statusErrorOf(thrown);
  const body = bodyOf(error);
  socket.end(
    `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? 'Error'}\r\nCache-Control: no-cache, private\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

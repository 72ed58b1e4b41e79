/** Who asked the API for what, over its sockets: what it takes to say which calls a program makes. No object and no token is in it. */
import type { IncomingMessage } from 'node:http';
import type { UserInfo } from '../../contract.ts';
import { isObject } from '../object.ts';

export interface AuditedCall {
  user: string;
  userAgent: string;
  method: string;
  /** With its query. */
  url: string;
  accept?: string;
  /** Of the body. */
  contentType?: string;
  /** The protocol that the connection goes over to. */
  upgrade?: string;
  /** What a DELETE says in its body. */
  options?: Record<string, unknown>;
}

/** Called once for each request that was let in. */
export type Audit = (call: AuditedCall) => void;

export function auditedCall(request: IncomingMessage, user: UserInfo, body?: unknown): AuditedCall {
  const { method = 'GET', url = '/', headers } = request;
  return {
    user: user.username,
    userAgent: headers['user-agent'] ?? '',
    method,
    url,
    ...(headers.accept === undefined ? {} : { accept: headers.accept }),
    ...(headers['content-type'] === undefined ? {} : { contentType: headers['content-type'] }),
    ...(headers.upgrade === undefined ? {} : { upgrade: headers.upgrade }),
    ...(method === 'DELETE' && isObject(body) ? { options: body } : {}),
  };
}

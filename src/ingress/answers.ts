/** What the ingress answers itself. */
import { type AnyResponse, writeHead } from '../http/any-message.ts';

export type Refusal = { status: 400 | 404 | 502 | 503 | 504; message: string };

export const refusals = {
  noRule: (): Refusal => ({ status: 404, message: 'No Ingress has a rule for this host and path.' }),
  noHost: (): Refusal => ({ status: 400, message: 'This is no address of a page.' }),
  unsupported: (): Refusal => ({ status: 503, message: 'The rule leads to something that is no Service.' }),
  nobody: (service: string, why: string): Refusal => ({ status: 503, message: `The Service ${service} can’t answer: ${why}.` }),
  noConnection: (service: string): Refusal => ({ status: 502, message: `A pod of the Service ${service} did not answer.` }),
  slow: (service: string): Refusal => ({ status: 504, message: `A pod of the Service ${service} took no connection in time.` }),
} as const;

export function refuse(res: AnyResponse, { status, message }: Refusal): void {
  const text = `${message}\n`;
  writeHead(res, status, [
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-length', String(Buffer.byteLength(text))],
    ['x-content-type-options', 'nosniff'],
  ]);
  res.end(text);
}

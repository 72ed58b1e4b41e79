import type { Context } from 'hono';
import { BODY_LIMIT } from '../limits.ts';
import { Problem } from '../problem.ts';

/** The body as text, in bounds whatever Content-Length says. */
export async function readText(c: Context): Promise<string> {
  const reader = c.req.raw.body?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > BODY_LIMIT) {
      await reader.cancel();
      throw new Problem(413, 'too-large', `A request may carry ${BODY_LIMIT} bytes.`);
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A form of `application/x-www-form-urlencoded`. A field that comes twice is refused: two readers could take different ones. */
export async function readForm(c: Context): Promise<Record<string, string>> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')) throw new Problem(400, 'form', 'This must be a form.');
  return uniqueParams(new URLSearchParams(await readText(c)));
}

export function uniqueParams(params: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of params) {
    if (name in fields) throw new Problem(400, 'form', `${name} comes twice.`);
    fields[name] = value;
  }
  return fields;
}

/** The body of a request: read to its end, within bounds, and parsed. */
import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../../base/errors.ts';
import { StatusError } from '../../contract.ts';
import { badRequest, unsupportedMediaType } from '../errors.ts';
import { BODY_LIMIT } from '../limits.ts';
import { mediaType } from './negotiate.ts';
import { decodeProtobuf, PROTOBUF } from './protobuf.ts';

const YAML = new Set(['application/yaml', 'application/apply-patch+yaml']);

/** Undefined when there is none. @throws 400, 413, 415 */
export async function readRequestBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${BODY_LIMIT}`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const type = mediaType(request.headers['content-type'] ?? 'application/json').type;
  if (type === PROTOBUF) return decodeProtobuf(Buffer.concat(chunks));
  const text = Buffer.concat(chunks).toString('utf8');
  if (YAML.has(type)) {
    // JSON is the common case here too, and quicker to read.
    if (/^\s*[{[]/.test(text)) {
      try {
        return JSON.parse(text);
      } catch {
        // Flow style that is no JSON: read as what it says it is.
      }
    }
    // few send it: it is not loaded before the first does
    const { parse } = await import('yaml');
    try {
      return parse(text, { maxAliasCount: 100 });
    } catch (error) {
      throw badRequest(`error decoding YAML: ${messageOf(error)}`);
    }
  }
  if (type !== 'application/json' && !type.endsWith('+json'))
    throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor']);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${messageOf(error)}`);
  }
}

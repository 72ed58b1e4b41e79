/** What the agent's reader understands of a client's bytes, however they are cut. */
import { RequestReader } from '../../src/agent/http1-reader.ts';
import { BadMessage, type BodyTracker, REQUEST_HEAD_LIMIT } from '../../src/http/index.ts';

export interface ParsedRequests {
  push(piece: Buffer): void;
  /** All that was understood, as text: the same for the same bytes. A request with a bad body is bad, however much of it came first. */
  text(): string;
}

export function createParsedRequests(): ParsedRequests {
  const reader = new RequestReader();
  const said: string[] = [];
  let body: BodyTracker | undefined;
  let over = false;

  /** Takes what belongs to the body of before; returns the rest. */
  function bodyOf(piece: Buffer): Buffer {
    if (body === undefined || body.done) return piece;
    const end = body.consume(piece, 0);
    if (body.fault !== undefined) {
      said.push('bad');
      over = true;
    } else if (body.done) said.push('body');
    return piece.subarray(end);
  }

  function requests(rest: Buffer): void {
    let chunk: Buffer | undefined = rest.length > 0 ? rest : undefined;
    while (!over && (body === undefined || body.done)) {
      const request = reader.next(chunk);
      chunk = undefined;
      if (reader.stash.length > REQUEST_HEAD_LIMIT + rest.length) throw new Error(`${reader.stash.length} bytes are kept`);
      if (request === undefined) return;
      if (request instanceof BadMessage) {
        said.push('bad');
        over = true;
        return;
      }
      said.push(
        `${request.head.method} ${request.head.target} ${JSON.stringify(request.head.names)} ${JSON.stringify(request.head.values)} ${JSON.stringify(request.head.body)}`,
      );
      body = request.body;
      if (body.done) said.push('body');
    }
  }

  return {
    push(piece) {
      if (over) return;
      const rest = bodyOf(piece);
      if (!over && (body === undefined || body.done)) requests(rest);
    },
    text: () => (over && said.length > 1 && said.at(-2) !== 'body' ? [...said.slice(0, -2), 'bad'] : said).join('\n'),
  };
}

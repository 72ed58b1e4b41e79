/** An answer of our own: plain text that says what happened. `end` tells the client that the connection ends with it. */
export function plainResponse(status: number, text: string, options: { head?: boolean; end?: boolean } = {}): Buffer {
  const body = `${text}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status] ?? 'Error'}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(options.end === true ? ['connection: close'] : []),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${options.head === true ? '' : body}`);
}

const PHRASES: Record<number, string> = { 400: 'Bad Request', 408: 'Request Timeout', 502: 'Bad Gateway' };

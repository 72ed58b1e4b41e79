/** Answers to requests that want to be upgraded. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const words = (header: string | undefined) => (header ?? '').split(',').map((word) => word.trim());

export const wantsWebSocket = (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket';

/** Which of ours the client offers, by the client's order. */
export function offeredProtocol(request: IncomingMessage, known: readonly string[]): string | undefined {
  const header = wantsWebSocket(request) ? request.headers['sec-websocket-protocol'] : request.headers['x-stream-protocol-version'];
  return words(Array.isArray(header) ? header.join(',') : header).find((protocol) => known.includes(protocol));
}

function switchTo(socket: Duplex, head: Buffer, lines: string[]): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
}

export function answerWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${GUID}`)
    .digest('base64');
  switchTo(socket, head, ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${protocol}`]);
}

export function answerSpdy(socket: Duplex, head: Buffer, protocol: string): void {
  switchTo(socket, head, ['Upgrade: SPDY/3.1', 'Connection: Upgrade', `X-Stream-Protocol-Version: ${protocol}`]);
}

/** What the server says to a WebSocket whose subprotocols it does not know. */
export function refuseProtocol(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
}

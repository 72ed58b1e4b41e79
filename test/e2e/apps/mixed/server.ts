/**
 * The server whose answers name it: HTTP/1.1, WebSockets, HTTP/2 and gRPC on one port. `server.ts NAME PORT [ADDRESS]`, in a pod or on a
 * workstation. Each answer holds the name and what its request said, so that an answer that goes astray shows.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';

const [name = '', port = '8080', address] = process.argv.slice(2);
/** What every connection of HTTP/2 begins with. */
const PREFACE = 'PRI';
const GRPC_HEAD = 5;

const textOf = (chunks: Buffer[], said: string): string => `${name} ${said} ${Buffer.concat(chunks).length}`;

const http1 = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.end(textOf(chunks, request.url ?? '')));
});
new WebSocketServer({ server: http1 }).on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (message) => socket.send(`${name} ${String(message)}`));
});

/** Answers each message of a call with one, whatever the kind of the call. */
function serveGrpc(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  let rest = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= GRPC_HEAD && rest.length >= GRPC_HEAD + rest.readUInt32BE(1)) {
      const end = GRPC_HEAD + rest.readUInt32BE(1);
      const text = Buffer.concat([Buffer.from(`${name} `), rest.subarray(GRPC_HEAD, end)]);
      const head = Buffer.alloc(GRPC_HEAD);
      head.writeUInt32BE(text.length, 1);
      stream.write(Buffer.concat([head, text]));
      rest = rest.subarray(end);
    }
  });
  stream.on('end', () => stream.end());
}

const http2 = createHttp2Server();
http2.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers['content-type'] === 'application/grpc') {
    serveGrpc(stream);
    return;
  }
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    stream.respond({ ':status': 200 });
    stream.end(textOf(chunks, headers[':path'] ?? ''));
  });
});

createServer((socket: Socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (first: Buffer) => {
    socket.pause();
    socket.unshift(first);
    // HTTP/2 reads what was put back by itself, and the socket's handle after that.
    if (first.toString('latin1').startsWith(PREFACE)) {
      http2.emit('connection', socket);
      return;
    }
    http1.emit('connection', socket);
    socket.resume();
  });
}).listen(Number(port), address);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 5_000));

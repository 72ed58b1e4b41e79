/**
 * The measured server: answers raw HTTP with as little work as can be, so that what is measured is the way to it. Runs from one file, in
 * a pod or on the workstation. `server.ts NAME PORT [CERT KEY]`; with a certificate each connection is first upgraded (101), and
 * then serves the same requests: the bare stream through the API server's service proxy.
 *
 * `GET /` a small answer · `GET /close` the same, then the server closes · `GET /down/N` N bytes · `POST /up/N` takes N bytes, then answers.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

const [name = 'server', port = '8080', certificate, key] = process.argv.slice(2);
const answerOf = (text: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
const answer = answerOf(name);
const block = Buffer.alloc(64 * 1024, 'x');

function serve(socket: Duplex): void {
  let head = '';
  let toTake = 0;
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    if (toTake > 0) {
      toTake -= chunk.length;
      if (toTake <= 0) socket.write(answer);
      return;
    }
    head += chunk.toString('latin1');
    for (let end = head.indexOf('\r\n\r\n'); end >= 0 && toTake <= 0; end = head.indexOf('\r\n\r\n')) {
      const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' ', head.indexOf(' ') + 1));
      head = head.slice(end + 4);
      if (path === '/close') socket.end(answer);
      else if (path.startsWith('/down/')) down(socket, Number(path.slice(6)));
      else if (path.startsWith('/up/')) {
        toTake = Number(path.slice(4)) - head.length;
        head = '';
        if (toTake <= 0) socket.write(answer);
      } else socket.write(answer);
    }
  });
}

function down(socket: Duplex, bytes: number): void {
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n`);
  let left = bytes;
  const go = (): void => {
    while (left > 0 && !socket.destroyed) {
      const piece = left >= block.length ? block : block.subarray(0, left);
      left -= piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', go);
        return;
      }
    }
  };
  go();
}

/** Answers the request that comes first with a 101; what comes after it is served. */
function upgrade(socket: tls.TLSSocket): void {
  let head = '';
  socket.on('error', () => socket.destroy());
  const onData = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onData);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bench\r\n\r\n');
    serve(socket);
  };
  socket.on('data', onData);
}

if (certificate !== undefined && key !== undefined) {
  tls.createServer({ cert: readFileSync(certificate), key: readFileSync(key), noDelay: true }, upgrade).listen(Number(port));
} else {
  net.createServer({ noDelay: true, allowHalfOpen: true }, serve).listen({ port: Number(port), backlog: 4096 });
}
process.on('SIGTERM', () => process.exit(0));

/**
 * The cluster's end of the outbound tests: every way a connection can behave, one port each. Bundled and mounted into a pod by
 * traffic.ts; traffic-client.ts is its counterpart on the workstation.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import http from 'node:http';
import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { WebSocketServer } from 'ws';
import { bytesOf, echoService, PORT } from './traffic-wire.ts';

const name = `${process.env['APP_NAME'] ?? 'traffic'} ${process.env['HOSTNAME'] ?? ''}\n`;

/** What connections to the half-close ports brought, by port; read over HTTP. */
const seen: Record<string, string> = {};

const web = http.createServer((req, res) => {
  const url = new URL(req.url ?? '/', 'http://server');
  if (url.pathname === '/down') {
    bytesOf(Number(url.searchParams.get('seed')), Number(url.searchParams.get('bytes'))).pipe(res);
  } else if (url.pathname === '/up') {
    const hash = createHash('sha256');
    req.on('data', (chunk: Buffer) => hash.update(chunk));
    req.on('end', () => res.end(hash.digest('hex')));
  } else if (url.pathname === '/seen') {
    res.end(JSON.stringify(seen));
  } else {
    res.end(name);
  }
});
web.keepAliveTimeout = 600_000;
web.requestTimeout = 0;
web.listen(PORT.http);
new WebSocketServer({ server: web, path: '/ws' }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

/** A server that never closes by itself, whatever the client does. */
const listen = (port: number, serve: (socket: net.Socket) => void): void => {
  net
    .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => {
        seen[`${port} error`] = error.code ?? error.message;
      });
      serve(socket);
    })
    .listen(port);
};

listen(PORT.speaksFirst, (socket) => {
  socket.write('220 server speaks first\r\n');
  socket.pipe(socket);
});
// the client ends first: it must still get what the server says afterwards
listen(PORT.clientEnds, (socket) => {
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => hash.update(chunk));
  socket.on('end', () => setTimeout(() => socket.end(hash.digest('hex')), 200));
});
// the server ends first: it must still get what the client says afterwards
listen(PORT.serverEnds, (socket) => {
  socket.end('bye\n');
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => hash.update(chunk));
  socket.on('end', () => {
    seen[String(PORT.serverEnds)] = hash.digest('hex');
  });
});
listen(PORT.serverResets, (socket) => socket.once('data', () => socket.resetAndDestroy()));
listen(PORT.echo, (socket) => socket.pipe(socket));

const udp = createSocket('udp4');
udp.on('message', (message, from) => udp.send(message, from.port, from.address));
udp.bind(PORT.udp);

const rpc = new grpc.Server();
rpc.addService(echoService, {
  talk: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end());
  },
});
rpc.bindAsync(`0.0.0.0:${PORT.grpc}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => process.exit(0));

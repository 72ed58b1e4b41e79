/**
 * The app of the rollout tests: HTTP/1 and gRPC health on one port, so that every kind of probe can ask the port that is taken.
 * It outlives SIGTERM by 5 s, and from then on asks its clients to come over a new connection, as an app that means no harm does.
 */
export const STABLE_APP = `
const http = require('node:http'), http2 = require('node:http2'), net = require('node:net');
const ports = (process.env.PORTS || '8080').split(',').map(Number);
let ending = false;
const web = http.createServer((request, response) => {
  if (ending) response.setHeader('connection', 'close');
  response.end(process.env.APP_NAME + ' ' + process.env.HOSTNAME + ' ' + request.url + '\\n');
});
web.keepAliveTimeout = 60000;
const grpc = http2.createServer();
grpc.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': headers[':path'] === '/grpc.health.v1.Health/Check' ? '0' : '12' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
});
grpc.on('session', (session) => session.on('error', () => {}));
grpc.on('sessionError', () => {});
for (const port of ports) net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    socket.pause();
    socket.unshift(first);
    (first.toString('latin1', 0, 3) === 'PRI' ? grpc : web).emit('connection', socket);
    process.nextTick(() => socket.resume());
  });
}).listen(port, '::');
process.on('SIGTERM', () => { ending = true; setTimeout(() => process.exit(0), Number(process.env.OUTLIVES || 5000)); });
`;

export const stable = (more: Record<string, unknown> = {}): Record<string, unknown> => ({ command: ['/app/node', '-e', STABLE_APP], ...more });

/**
 * A daemon without a cluster, to be run in a network namespace: listens for netd at argv[2], captures, and answers itself.
 * Speaks JSON lines: commands on standard input, events on standard output.
 */

import { createInterface } from 'node:readline';
import { Duplex, PassThrough } from 'node:stream';
import { silentLog } from '../../../src/base/log.ts';
import { type DatagramFlow, startCapture, startNetdServer, startPackets } from '../../../src/daemon/capture/index.ts';
import { createIpMatcher, parseSubnet } from '../../../src/net/index.ts';
import { relay } from '../../../src/tunnel/index.ts';

const say = (event: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(event)}\n`);
const subnets = (process.argv[3] ?? '')
  .split(',')
  .map((text) => parseSubnet(text))
  .filter((cidr) => cidr !== undefined);
const isCaptured = createIpMatcher(subnets);

/** Port 1 is refused; port 2 speaks first and says nothing more; others echo, after a line that says who was called. */
function answer(host: string, port: number, first: Uint8Array | undefined): Duplex {
  say({ event: 'dial', host, port, first: first?.length ?? 0 });
  if (port === 1) throw new Error('refused');
  const toClient = new PassThrough();
  const fromClient = new PassThrough();
  toClient.write(`${host} ${port}\n`);
  if (first !== undefined) fromClient.write(first);
  if (port !== 2) fromClient.pipe(toClient);
  return Duplex.from({ readable: toClient, writable: fromClient });
}

/** Port 1 is refused; the others echo. */
function echoFlow(host: string, port: number): DatagramFlow {
  say({ event: 'flow', host, port });
  if (port === 1) throw new Error('refused');
  let hear: ((datagram: Buffer) => void) | undefined;
  return {
    send: (datagram) => {
      hear?.(Buffer.from(datagram));
      return true;
    },
    onDatagram: (listener) => {
      hear = listener;
    },
    onClose: () => {},
    close: () => {},
  };
}

const capture = await startCapture({ log: silentLog, isCaptured, relay, dial: ({ host, port }, first) => answer(host, port, first) });
const server = await startNetdServer({ socketPath: process.argv[2] ?? '', log: silentLog });
say({ event: 'listening', capturePort: capture.port });
const link = await server.link();
link.onFailed((message) => say({ event: 'failed', message }));
void link.closed.then(() => say({ event: 'closed' }));
startPackets({ log: silentLog, socket: link.packets, openFlow: ({ host, port }) => echoFlow(host, port) });
say({ event: 'linked', pid: link.pid, version: link.version });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: never };
  try {
    if (method === 'set')
      say({ id, result: await link.set({ capturePort: capture.port, address: '246.246.246.1/32', dns: { mode: 'none' }, ...(params as object) } as never) });
    else if (method === 'check') say({ id, result: await link.check(params) });
    else say({ id, result: await link.close() });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
}
process.exit(0);

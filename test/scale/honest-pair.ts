/** A workstation and an agent that behave, in a process of their own: its parent's work must not make them slow. Answers `ask` and `ping`. */
import type { MuxStream } from '../../src/mux/index.ts';
import { createSessionKeys, encodeStreamHeader, readStreamHeader } from '../../src/tunnel/index.ts';
import { linkAgent, type ManagerPorts, openControlStreams, openTunnel } from '../helpers/manager-peers.ts';

export interface HonestOrder {
  ports: ManagerPorts;
  ca: string;
  agent: { namespace: string; pod: string; token: string; workload: string };
  session: { name: string; uid: string; publicKey: string };
  intercept: string;
}

/** Its key; the parent makes the Session's object with it. */
const keys = createSessionKeys();
process.send?.({ publicKey: keys.publicKey });
process.on('disconnect', () => process.exit(0));
process.once('message', (order: HonestOrder) => void start(order));

async function start({ ports, ca, agent, session, intercept }: HonestOrder): Promise<void> {
  const own = { ...session, keys };
  const control = await openTunnel(ports.tunnel, own, 'control');
  const rpc = await openControlStreams(control.mux);
  const echo = (stream: MuxStream) => void readStreamHeader(stream).then(() => stream.pipe(stream));
  await openTunnel(ports.tunnel, own, 'data', { onStream: echo });
  const told = Promise.withResolvers<void>();
  const { mux } = await linkAgent(ports.agents, agent, { ca, told: (list) => list.length > 0 && told.resolve() });
  await told.promise;
  const header = encodeStreamHeader({ t: 'intercept', session: session.uid, intercept, protocol: 'TCP', peer: '10.0.0.1:1' });
  const ask = async (): Promise<string> => {
    const stream = mux.open(header);
    stream.end('hello');
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  process.on('message', (what) => {
    const begun = performance.now();
    const answered = what === 'ask' ? ask() : rpc.call('ping', {}, { timeoutMs: 10_000 }).then(() => 'hello');
    answered.then(
      (text) => process.send?.({ text, ms: performance.now() - begun }),
      (error: unknown) => process.send?.({ text: String(error), ms: performance.now() - begun }),
    );
  });
  process.send?.({ text: 'ready', ms: 0 });
}

/** Whole links: one end is ours, the other says what it likes, in frames that were once honest. */
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../../src/base/log.ts';
import { FLAG, FRAME } from '../../../src/mux/frame.ts';
import { createMux, type MuxStream } from '../../../src/mux/index.ts';
import { encodeStreamHeader } from '../../../src/tunnel/index.ts';
import { directAgent, directDaemon } from '../direct-victims.ts';
import { framesOf, wrong } from '../frames.ts';
import { cut, mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzCases, FuzzTarget, Trail } from '../run.ts';
import { agentLink, daemonTunnel, type MakeVictim, managerAgents, managerTunnel, record } from '../victims.ts';

/** Turns of the event loop within which everything of a lost connection must be over. */
const OVER_WITHIN_TURNS = 200;
/** Turns that the attacker waits at most between two pieces. */
const PAUSE_TURNS = 3;

const WORDS = ['{"t":"tcp","host":"10.96.0.1","port":80}', '{"t":"control"}', '{"t":"dns"}', '{"t":"udp","host":"::1","port":53}', '"id":1', '"method":"ping"', '{"cancel":1}', '\n', '[]', '{}', 'null', '-1', '1e999', '"\\ud800"', '"__proto__"', '{"id":1,"result":{}}', '{"id":2,"error":null}'].map((text) => Buffer.from(text)); // biome-ignore format: a list of words

/** An honest session in the same process: whatever happens to others, it goes on. */
function bystander(): { check(): Promise<void>; close(): void } {
  const [near, far] = duplexPair();
  const client = createMux(near, { role: 'client', log: silentLog });
  const server = createMux(far, { role: 'server', log: silentLog, onStream: (stream: MuxStream) => void stream.pipe(stream) });
  return {
    async check() {
      const stream = client.open(Buffer.from('still here'));
      stream.end();
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      if (Buffer.concat(chunks).toString() !== 'still here') throw new Error('another session was disturbed');
    },
    close() {
      client.abort(new Error('over'));
      server.abort(new Error('over'));
    },
  };
}

/** What managers open. */
const OPENED = (['TCP', 'UDP'] as const).map((protocol) =>
  encodeStreamHeader({ t: 'intercept', session: 'u', intercept: 'i1', protocol, peer: '10.0.0.8:1' }, Buffer.from('\x00\x05hello')),
);

/** The head of a request or of an answer, and a workstation's hello line, come before the frames. */
function beforeFrames(bytes: Buffer): number {
  const head = /^(GET|HTTP)/.test(bytes.toString('latin1', 0, 4)) ? bytes.indexOf('\r\n\r\n') + 4 : 0;
  return bytes[head] === 0x7b ? bytes.indexOf(10, head) + 1 : head;
}

function attack(victim: MakeVictim, side: 'client' | 'server', honest: { client: MakeVictim; server: MakeVictim }): (random: Random) => Promise<FuzzCases> {
  return async () => {
    const recorded = await record(honest.client, honest.server);
    const bytes = side === 'client' ? recorded.fromClient : recorded.fromServer;
    const before = beforeFrames(bytes);
    const hello = bytes.subarray(0, before);
    const frames = framesOf(bytes.subarray(before));
    if (side === 'server')
      frames.push(...OPENED.map((header, i) => ({ type: FRAME.data, flags: FLAG.syn, id: 2 + 2 * i, length: header.length, payload: header })));
    if (frames.length < 4) throw new Error('nothing was recorded');
    const other = bystander();

    async function one(random: Random, trail: Trail): Promise<void> {
      const sent = wrong(random, frames, side === 'client' ? 1 : 2, WORDS);
      const greeting = random.chance(0.9) ? hello : random.chance(0.7) ? mutate(random, hello, WORDS) : random.bytes(random.int(0, 60));
      const pieces = [greeting, ...sent].filter(({ length }) => length > 0);
      const script = random.chance(0.5) ? cut(random, Buffer.concat(pieces)) : pieces.flatMap((piece) => cut(random, piece));
      for (const piece of script) trail.note('piece', piece);
      const [near, far] = duplexPair();
      far.on('error', () => undefined);
      const { mux: made, streams } = victim(near);
      if (random.chance(0.8)) far.resume();
      for (const piece of script) {
        if (far.destroyed || far.writableEnded) break;
        far.write(piece);
        for (let turns = random.int(0, PAUSE_TURNS); turns > 0; turns--) await turn();
      }
      if (random.chance(0.3)) far.end();
      for (let turns = random.int(0, 4); turns > 0; turns--) await turn();
      // the connection is lost, as every connection is some day
      far.destroy();
      near.destroy();
      const mux = await made;
      let over = mux === undefined;
      void mux?.closed.then(() => {
        over = true;
      });
      for (let turns = 0; turns < OVER_WITHIN_TURNS && !(over && streams.every(({ closed }) => closed)); turns++) await turn();
      if (!over) throw new Error('the session outlives its connection');
      if (mux !== undefined && mux.streams > 0) throw new Error(`${mux.streams} streams outlive their session`);
      const left = streams.filter(({ closed }) => !closed).length;
      if (left > 0) throw new Error(`${left} streams are not closed after their session`);
      if (random.chance(0.02)) await other.check();
    }
    return { one, close: () => other.close() };
  };
}

const tunnel = { client: daemonTunnel, server: managerTunnel };
const agents = { client: agentLink, server: managerAgents };
const direct = { client: directDaemon, server: directAgent };
export const links: FuzzTarget[] = [
  { name: 'mux-manager', about: 'a malicious workstation against the manager', start: attack(managerTunnel, 'client', tunnel) },
  { name: 'mux-daemon', about: 'a malicious manager against the workstation', start: attack(daemonTunnel, 'server', tunnel) },
  { name: 'mux-agents', about: 'a malicious agent against the manager', start: attack(managerAgents, 'client', agents) },
  { name: 'mux-agent', about: 'a malicious manager against an agent', start: attack(agentLink, 'server', agents) },
  { name: 'direct-agent', about: 'a malicious workstation against an agent', start: attack(directAgent, 'client', direct) },
  { name: 'direct-daemon', about: 'a malicious agent against the workstation', start: attack(directDaemon, 'server', direct) },
];

/** Control messages: lines of JSON at an rpc peer, hello lines and stream headers at who accepts them. */
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createRpcPeer } from '../../../src/rpc/index.ts';
import { acceptTunnel, encodeStreamHeader, readStreamHeader } from '../../../src/tunnel/index.ts';
import { cut, mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget, Trail } from '../run.ts';

const LINES = [
  '{"id":1,"method":"welcome","params":{}}',
  '{"id":2,"method":"environment","params":{"intercept":"i1"}}',
  '{"id":3,"method":"loglevel","params":{"level":"debug","durationMs":1}}',
  '{"id":4,"method":"hello","params":{"version":"1","token":"t","pod":"p","namespace":"n","podIP":"::1","workload":{"kind":"Deployment","name":"w"}}}',
  '{"method":"ready","params":{"intercepts":["i1"]}}',
  '{"method":"cluster","params":{"serviceSubnets":["10.96.0.0/16"],"podSubnets":[],"clusterDomain":"c","namespaces":["a"]}}',
  '{"id":1,"result":{"version":"1"}}',
  '{"id":1,"error":{"code":"TP-INTERNAL","message":"m","help":"h"}}',
  '{"cancel":1}',
  '{"id":7,"method":"slow","params":null}',
];
const WORDS = ['{', '}', '[', ']', '"', ':', ',', 'null', '1e400', '-0', '"__proto__"', '"constructor"', '\\u0000', '"id":1', '"cancel":', '\n', '\n\n', '[[[[[[[[', '"method":"toString"'].map((text) => Buffer.from(text)); // biome-ignore format: a list of words
const HELLO = '{"version":"1","session":{"name":"s","uid":"u"},"kind":"data","signature":"c2ln","capabilities":[]}\n';
const HEADERS = [
  encodeStreamHeader({ t: 'tcp', host: '10.96.0.1', port: 80 }, Buffer.from('first')),
  encodeStreamHeader({ t: 'intercept', session: 'u', intercept: 'i', protocol: 'UDP', peer: '[::1]:5' }),
];
const TURNS = 60;

async function write(random: Random, trail: Trail, to: NodeJS.WritableStream & { destroyed: boolean }, bytes: Buffer): Promise<void> {
  trail.note('bytes', bytes);
  for (const piece of cut(random, bytes)) {
    if (to.destroyed) return;
    to.write(piece);
    if (random.chance(0.2)) await turn();
  }
}

async function rpc(random: Random, trail: Trail): Promise<void> {
  const [near, far] = duplexPair();
  near.on('error', () => undefined);
  far.on('error', () => undefined);
  const waiting = Promise.withResolvers<never>();
  waiting.promise.catch(() => undefined);
  const peer = createRpcPeer(near, {
    log: silentLog,
    handlers: {
      welcome: () => ({ version: '1' }),
      environment: (params) => JSON.stringify(params),
      loglevel: () => Promise.reject(new CodedError('TP-USAGE', 'no')),
      slow: (_params, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      hello: () => {
        throw new TypeError('a handler that fails');
      },
    },
    onNotify: {
      ready: () => {
        throw new TypeError('a listener that fails');
      },
      cluster: () => undefined,
    },
  });
  const calls = [peer.call('ping', {}), peer.call('environment', {})].map((call) => call.then(String, (error: unknown) => error));
  if (random.chance(0.8)) far.resume();
  for (let count = random.int(1, 12); count > 0; count--) {
    const line = Buffer.from(`${random.pick(LINES)}\n`);
    await write(random, trail, far, random.chance(0.3) ? line : mutate(random, line, WORDS));
  }
  for (let turns = random.int(0, 10); turns > 0; turns--) await turn();
  far.destroy();
  near.destroy();
  let over = false;
  void peer.closed.then(() => {
    over = true;
  });
  for (let turns = 0; turns < TURNS && !over; turns++) await turn();
  if (!over) throw new Error('the peer outlives its stream');
  await Promise.all(calls);
}

async function greeting(random: Random, trail: Trail): Promise<void> {
  const [near, far] = duplexPair();
  far.on('error', () => undefined).resume();
  const isHello = random.chance(0.5);
  const taken = isHello
    ? acceptTunnel(near, { nonce: 'n', log: silentLog, verify: async () => undefined, onStream: (stream) => stream.reset('gone') }).then(({ mux }) =>
        mux.abort(new Error('over')),
      )
    : readStreamHeader(near.on('error', () => undefined));
  const outcome = taken.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && error.name === 'TunnelProtocolError' ? undefined : error),
  );
  const bytes = isHello ? Buffer.from(HELLO) : random.pick(HEADERS);
  await write(random, trail, far, random.chance(0.1) ? bytes : mutate(random, bytes, WORDS));
  for (let turns = random.int(0, 6); turns > 0; turns--) await turn();
  far.destroy();
  near.destroy();
  const wrong = await outcome;
  if (wrong !== undefined && wrong !== null) throw wrong;
}

export const control: FuzzTarget[] = [
  {
    name: 'control',
    about: 'control messages, hello lines and stream headers, of either side',
    start: () => ({
      async one(random, trail) {
        for (let count = 0; count < 5; count++) await (random.chance(0.6) ? rpc(random, trail) : greeting(random, trail));
      },
      close: () => undefined,
    }),
  },
];

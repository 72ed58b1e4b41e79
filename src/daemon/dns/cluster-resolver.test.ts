import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CLASS, createFrameReader, type DnsMessage, decodeMessage, encodeMessage, frameMessage, idOf, TYPE } from '../../dns/index.ts';
import { createClusterResolver, createSwitchableResolver } from './cluster-resolver.ts';

const query = (id: number, name: string): DnsMessage => ({
  id,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name, type: TYPE.A, class: CLASS.IN }],
  answers: [],
  authorities: [],
  additionals: [],
});

describe('the cluster resolver', () => {
  it('matches answers that come in another order, by ids of its own', async () => {
    const [ours, theirs] = duplexPair();
    const resolver = createClusterResolver(ours);
    const both = Promise.all([resolver.query(encodeMessage(query(7, 'a.x')), {}), resolver.query(encodeMessage(query(7, 'b.x')), {})]);
    const frames = createFrameReader();
    const got: DnsMessage[] = [];
    theirs.on('data', (chunk: Buffer) => got.push(...frames.push(chunk).map(decodeMessage)));
    await expect.poll(() => got.length).toBe(2);
    for (const message of got.reverse()) theirs.write(frameMessage(encodeMessage({ ...message, response: true })));
    const answers = await both;
    expect(answers.map((answer) => decodeMessage(answer).questions[0]?.name)).toEqual(['a.x', 'b.x']);
    expect(answers.map(idOf)).toEqual([7, 7]);
  });

  it('gives up after its time-out, at an abort, and when the stream ends', async () => {
    const [ours, theirs] = duplexPair();
    theirs.resume();
    const resolver = createClusterResolver(ours, { timeoutMs: 20 });
    await expect(resolver.query(encodeMessage(query(1, 'a.x')), {})).rejects.toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    const aborted = resolver.query(encodeMessage(query(1, 'a.x')), { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const open = resolver.query(encodeMessage(query(1, 'a.x')), {});
    ours.destroy();
    await expect(open).rejects.toMatchObject({ code: 'closed' });
    expect(resolver.available).toBe(false);
  });

  it("can be exchanged for the next tunnel's", async () => {
    const switchable = createSwitchableResolver();
    expect(switchable.available).toBe(false);
    await expect(switchable.query(encodeMessage(query(1, 'a.x')), {})).rejects.toMatchObject({ code: 'closed' });
    const [ours] = duplexPair();
    switchable.set(createClusterResolver(ours));
    expect(switchable.available).toBe(true);
  });

  it('gives up at once on a connection that is left for another', async () => {
    const [ours, theirs] = duplexPair();
    theirs.resume();
    const switchable = createSwitchableResolver();
    switchable.set(createClusterResolver(ours));
    const waiting = switchable.query(encodeMessage(query(1, 'a.x')), {});
    switchable.set(undefined);
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    expect(switchable.available).toBe(false);
  });
});

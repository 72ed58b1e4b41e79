/**
 * What every mux must hold over every transport. Run by src/mux/mux.test.ts over memory, TCP and a transport that cuts its
 * chunks at random.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { createMux, type Mux, MuxError, type MuxOptions, MuxResetError, type MuxStream } from '../../src/mux/index.ts';

export type TransportPair = () => Promise<[Duplex, Duplex]>;

export async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const event = (stream: Duplex, name: string) => new Promise<unknown>((resolve) => stream.once(name, resolve));

export function muxCompliance(name: string, transports: TransportPair): void {
  describe(`mux over ${name}`, () => {
    const open: Mux[] = [];
    afterEach(() => {
      for (const mux of open.splice(0)) mux.abort(new Error('test over'));
    });

    async function pair(onStream: (stream: MuxStream) => void, options: Partial<MuxOptions> = {}): Promise<{ client: Mux; server: Mux }> {
      const [a, b] = await transports();
      const server = createMux(b, { role: 'server', log: silentLog, ...options, onStream });
      const client = createMux(a, { role: 'client', log: silentLog, ...options, onStream });
      open.push(client, server);
      return { client, server };
    }
    const echo = (stream: MuxStream) => void stream.pipe(stream);

    it('opens with the first bytes already there', async () => {
      const first = Promise.withResolvers<Buffer>();
      const { client } = await pair((stream) => first.resolve(stream.read() as Buffer));
      client.open(Buffer.from('hello'));
      expect((await first.promise).toString()).toBe('hello');
    });

    it('announces a stream that is opened without a byte', async () => {
      const opened = Promise.withResolvers<MuxStream>();
      const { client } = await pair(opened.resolve);
      const mine = client.open();
      const theirs = await opened.promise;
      theirs.end('spoken first');
      expect((await readAll(mine)).toString()).toBe('spoken first');
    });

    it('lets both sides open', async () => {
      const { client, server } = await pair(echo);
      const streams = [client.open(Buffer.from('a')), server.open(Buffer.from('b')), client.open(Buffer.from('c'))];
      for (const stream of streams) stream.end();
      expect((await Promise.all(streams.map(readAll))).join()).toBe('a,b,c');
      expect(new Set(streams.map((stream) => stream.id)).size).toBe(3);
    });

    it('carries much more than a window, both ways at once', async () => {
      const { client, server } = await pair(echo);
      const sent = randomBytes(6 * 1024 * 1024);
      const streams = [client.open(), server.open()];
      for (const stream of streams) stream.end(sent);
      for (const got of await Promise.all(streams.map(readAll))) expect(got.equals(sent)).toBe(true);
      expect(client.streams).toBe(0);
      expect(server.streams).toBe(0);
    });

    it('half-closes: what comes after my end still comes', async () => {
      const { client } = await pair(async (stream) => {
        const got = await readAll(stream);
        stream.write(`${got.length}`);
        setImmediate(() => stream.end(' bytes'));
      });
      const stream = client.open();
      stream.end(Buffer.alloc(100_000));
      expect((await readAll(stream)).toString()).toBe('100000 bytes');
    });

    it('tells the peer the reason of a reset, and forgets the stream', async () => {
      const opened = Promise.withResolvers<MuxStream>();
      const { client, server } = await pair(opened.resolve);
      const mine = client.open(Buffer.from('x'));
      const theirs = await opened.promise;
      const failed = event(mine, 'error');
      theirs.reset('refused');
      const error = await failed;
      expect(error).toBeInstanceOf(MuxResetError);
      expect((error as MuxResetError).reason).toBe('refused');
      expect(mine.resetReason).toBe('refused');
      expect([client.streams, server.streams]).toEqual([0, 0]);
    });

    it('survives a reset that nobody listens for, also with writes on their way', async () => {
      const { client } = await pair((stream) => stream.reset('gone'));
      const stream = client.open(Buffer.from('x'));
      stream.write(Buffer.alloc(1_000_000));
      await event(stream, 'close');
      expect(stream.resetReason).toBe('gone');
      expect(await client.ping()).toBeGreaterThan(0);
    });

    it('destroys with "aborted" what is destroyed before its end', async () => {
      const opened = Promise.withResolvers<MuxStream>();
      const { client } = await pair(opened.resolve);
      client.open(Buffer.from('never sent')).destroy();
      const mine = client.open(Buffer.from('x'));
      const theirs = await opened.promise;
      expect(theirs.id).toBe(mine.id);
      mine.destroy();
      await event(theirs, 'close');
      expect(theirs.resetReason).toBe('aborted');
    });

    it('a stalled reader stalls its own stream only, and bounds what is sent to it', async () => {
      const stalled: MuxStream[] = [];
      const { client } = await pair((stream) => {
        if (stalled.length === 0) stalled.push(stream);
        else echo(stream);
      });
      const stuck = client.open(Buffer.from('stall'));
      let taken = 0;
      while (stuck.write(Buffer.alloc(65_536))) taken++;
      for (let i = 0; i < 100; i++) {
        if (stuck.write(Buffer.alloc(65_536))) taken++;
        const stream = client.open(Buffer.from('go'));
        stream.end(Buffer.alloc(10_000));
        expect((await readAll(stream)).length).toBe(10_002);
      }
      expect(taken).toBeLessThan(64);
      const rest = event(stuck, 'drain');
      stalled[0]?.resume();
      await rest;
    });

    it('takes turns: a small exchange is not behind a bulk flow', async () => {
      let first = true;
      const { client } = await pair((stream) => {
        if (first) stream.resume();
        else echo(stream);
        first = false;
      });
      const bulk = client.open(Buffer.from('bulk'));
      let sent = 0;
      let stop = false;
      const pour = () => {
        while (!stop && bulk.write(Buffer.alloc(65_536))) sent++;
        if (!stop) bulk.once('drain', pour);
      };
      pour();
      for (let i = 0; i < 50; i++) {
        const before = sent;
        const small = client.open(Buffer.from('ping'));
        small.end('!');
        await readAll(small);
        // Bounded by what one turn and the transport hold, not by how much the bulk flow has to send.
        expect(sent - before).toBeLessThan(256);
      }
      stop = true;
      bulk.destroy();
    });

    it('refuses streams beyond the limit, at both ends', async () => {
      const { client, server } = await pair(() => {}, { maxStreams: 3 });
      const streams = [client.open(), client.open(), client.open()];
      expect(() => client.open()).toThrow(MuxError);
      await client.ping();
      expect(server.streams).toBe(3);
      const [a, b] = await transports();
      const wide = createMux(a, { role: 'client', log: silentLog });
      const narrow = createMux(b, { role: 'server', log: silentLog, maxStreams: 1, onStream: () => {} });
      open.push(wide, narrow);
      wide.open();
      const over = wide.open();
      await event(over, 'close');
      expect(over.resetReason).toBe('overload');
      for (const stream of streams) stream.destroy();
    });

    it('refuses streams where nobody takes them', async () => {
      const [a, b] = await transports();
      const client = createMux(a, { role: 'client', log: silentLog });
      open.push(client, createMux(b, { role: 'server', log: silentLog }));
      const stream = client.open(Buffer.from('x'));
      await event(stream, 'close');
      expect(stream.resetReason).toBe('gone');
    });

    it('measures round trips; a ping can be given up', async () => {
      const { client, server } = await pair(echo);
      expect(await client.ping()).toBeGreaterThan(0);
      expect(client.rtt).toBeGreaterThan(0);
      expect(await server.ping()).toBeGreaterThan(0);
      const controller = new AbortController();
      const given = client.ping({ signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(given).rejects.toThrow('enough');
    });

    it('after GOAWAY the open streams go on and no new one opens', async () => {
      const { client, server } = await pair(echo);
      const stream = client.open(Buffer.from('x'));
      await event(stream, 'readable');
      server.goAway('upgrade');
      await client.ping();
      expect(client.goneAway).toBe('upgrade');
      expect(() => client.open()).toThrow(MuxError);
      stream.end('y');
      expect((await readAll(stream)).toString()).toBe('xy');
    });

    it('close waits for the streams, then ends both sides cleanly', async () => {
      const { client, server } = await pair(echo);
      const stream = client.open(Buffer.from('x'));
      const closed = client.close();
      stream.end(Buffer.alloc(300_000));
      expect((await readAll(stream)).length).toBe(300_001);
      await closed;
      expect(await client.closed).toBeUndefined();
      expect(await server.closed).toBeUndefined();
      await client.close();
    });

    it('close gives up waiting when its signal aborts', async () => {
      const { client, server } = await pair(() => {});
      const stream = client.open(Buffer.from('x'));
      const controller = new AbortController();
      const closed = client.close({ signal: controller.signal });
      controller.abort();
      await closed;
      expect(stream.destroyed).toBe(true);
      expect(await server.closed).toBeInstanceOf(MuxError);
    });

    it('abort destroys every stream with the error; the peer learns of the loss', async () => {
      const opened = Promise.withResolvers<MuxStream>();
      const { client, server } = await pair(opened.resolve);
      const mine = client.open(Buffer.from('x'));
      const theirs = await opened.promise;
      const failed = event(mine, 'error');
      const ping = server.ping();
      const pinged = expect(ping).rejects.toThrow();
      client.abort(new Error('power cut'));
      client.abort(new Error('again'));
      expect(await failed).toMatchObject({ message: 'power cut' });
      expect(await client.closed).toMatchObject({ message: 'power cut' });
      expect(await server.closed).toMatchObject({ code: 'lost' });
      expect(theirs.destroyed).toBe(true);
      await pinged;
      await expect(client.ping()).rejects.toThrow(MuxError);
      expect(() => client.open()).toThrow(MuxError);
    });
  });
}

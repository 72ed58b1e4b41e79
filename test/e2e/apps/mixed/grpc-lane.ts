import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { type Lane, type MixedTask, type Place, placeOf, proofOf } from './lane.ts';

const MESSAGES = 5;
const TIMEOUT_MS = 60_000;
const bytes = (text: string): Buffer => Buffer.from(text);
const text = (message: Buffer): string => message.toString();

function check(place: Place, expected: string[], got: string[], proof: unknown): void {
  if (got.join() !== expected.join() || proof !== place.proof)
    throw new Error(`for ${place.name}: “${got.join()}” instead of “${expected.join()}”, proof ${String(proof)}`);
}

/** Calls of one message, and of several in both directions, for anybody over the same two connections. */
export function grpcLane(task: MixedTask): Lane {
  const clients = [0, 1].map(() => new Client(`${task.service}:80`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }));
  const ask = (i: number): Promise<void> => {
    const place = placeOf(task, i);
    const client = clients[i % 2] as Client;
    const metadata = new Metadata();
    if (place.header !== undefined) metadata.set(place.header.name, place.header.value);
    const options = { deadline: Date.now() + TIMEOUT_MS };
    const said = Array.from({ length: i % 4 < 2 ? 1 : MESSAGES }, (_, n) => `${i}.${n}`);
    const expected = said.map((message) => `${place.name} ${message}`);
    return new Promise((resolve, reject) => {
      const got: string[] = [];
      let proof: unknown;
      const over = (error: Error | null | undefined): void => {
        try {
          if (error) throw error;
          check(place, expected, got, proof);
          resolve();
        } catch (fault) {
          reject(fault);
        }
      };
      if (said.length === 1) {
        const call = client.makeUnaryRequest('/mixed.Mixed/Ask', bytes, text, said[0] as string, metadata, options, (error, answer) => {
          if (answer !== undefined) got.push(answer);
          over(error);
        });
        call.on('metadata', (head: Metadata) => {
          proof = proofOf(head.getMap());
        });
        return;
      }
      const call = client.makeBidiStreamRequest('/mixed.Mixed/Talk', bytes, text, metadata, options);
      call.on('metadata', (head: Metadata) => {
        proof = proofOf(head.getMap());
      });
      call.on('data', (answer: string) => {
        got.push(answer);
        const next = said[got.length];
        if (next === undefined) call.end();
        else call.write(next);
      });
      call.on('error', reject);
      call.on('end', () => over(undefined));
      call.write(said[0] as string);
    });
  };
  return {
    requests: Math.round(task.requests * 0.08),
    atOnce: 8,
    ask,
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

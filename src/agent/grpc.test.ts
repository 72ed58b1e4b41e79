import {
  Client,
  credentials,
  Server as GrpcServer,
  Metadata,
  type MethodDefinition,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../../test/helpers/http-agent.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};
const method = (path: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> => ({
  path,
  requestStream,
  responseStream,
  ...text,
});
const service = {
  unary: method('/t.T/Unary', false, false),
  client: method('/t.T/Client', true, false),
  server: method('/t.T/Server', false, true),
  both: method('/t.T/Both', true, true),
};

async function grpcServer(name: string): Promise<number> {
  const server = new GrpcServer();
  server.addService(service, {
    unary: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
      if (call.request === 'fail') return done({ code: status.FAILED_PRECONDITION, details: `no: ${name}` });
      const trailer = new Metadata();
      trailer.set('x-trailer', name);
      return done(null, `${name} ${call.request}`, trailer);
    },
    client: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
      const got: string[] = [];
      call.on('data', (message: string) => got.push(message));
      call.on('end', () => done(null, `${name} ${got.join()}`));
    },
    server: (call: ServerWritableStream<string, string>) => {
      for (let i = 0; i < 100; i++) call.write(`${name} ${i}`);
      call.end();
    },
    both: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (message: string) => call.write(`${name} ${message}`));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  cleanups.push(() => server.forceShutdown());
  return port;
}

async function grpc(): Promise<{ agent: HttpAgent; client: Client }> {
  const agent = await startHttpAgent(await grpcServer('app'));
  cleanups.push(() => agent.close());
  agent.set([{ port: await grpcServer('mine'), http: byHeader('x-who', 'me') }]);
  const client = new Client(`127.0.0.1:${agent.port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  return { agent, client };
}

const as = (who: string) => {
  const metadata = new Metadata();
  if (who === 'mine') metadata.set('x-who', 'me');
  return metadata;
};

describe('gRPC', () => {
  const { unary, client: up, server: down, both } = service;

  it.each(['app', 'mine'])('calls of all four kinds, answered by %s', async (who) => {
    const { client } = await grpc();
    const one = await new Promise<string>((resolve, reject) =>
      client.makeUnaryRequest(unary.path, unary.requestSerialize, unary.responseDeserialize, 'hi', as(who), (error, value) =>
        error === null ? resolve(value ?? '') : reject(error),
      ),
    );
    expect(one).toBe(`${who} hi`);
    const streamed = await new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(up.path, up.requestSerialize, up.responseDeserialize, as(who), (error, value) =>
        error === null ? resolve(value ?? '') : reject(error),
      );
      for (let i = 0; i < 5; i++) call.write(String(i));
      call.end();
    });
    expect(streamed).toBe(`${who} 0,1,2,3,4`);
    const many: string[] = [];
    for await (const message of client.makeServerStreamRequest(
      down.path,
      down.requestSerialize,
      down.responseDeserialize,
      'go',
      as(who),
    ) as AsyncIterable<string>)
      many.push(message);
    expect(many).toEqual(Array.from({ length: 100 }, (_, i) => `${who} ${i}`));
    const call = client.makeBidiStreamRequest(both.path, both.requestSerialize, both.responseDeserialize, as(who));
    for (let i = 0; i < 5; i++) {
      const answer = new Promise<string>((resolve) => call.once('data', resolve));
      call.write(String(i));
      expect(await answer).toBe(`${who} ${i}`);
    }
    call.end();
    expect(await new Promise((resolve) => call.once('status', ({ code }) => resolve(code)))).toBe(status.OK);
  });

  it('statuses, trailers and deadlines', async () => {
    const { client } = await grpc();
    const failed = await new Promise<{ code?: number; details?: string } | null>((resolve) =>
      client.makeUnaryRequest(unary.path, unary.requestSerialize, unary.responseDeserialize, 'fail', as('mine'), (error) => resolve(error)),
    );
    expect(failed).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'no: mine' });
    const trailers = await new Promise<Metadata>((resolve) =>
      client
        .makeUnaryRequest(unary.path, unary.requestSerialize, unary.responseDeserialize, 'hi', as('mine'), () => {})
        .on('status', ({ metadata }) => resolve(metadata)),
    );
    expect(trailers.get('x-trailer')).toEqual(['mine']);
    const late = client.makeBidiStreamRequest(both.path, both.requestSerialize, both.responseDeserialize, as('mine'), { deadline: Date.now() + 100 });
    late.on('error', () => {});
    expect(await new Promise((resolve) => late.once('status', ({ code }) => resolve(code)))).toBe(status.DEADLINE_EXCEEDED);
  });

  it('UNAVAILABLE, with the reason, where the process does not listen', async () => {
    const { agent, client } = await grpc();
    agent.set([{ uid: 'x', port: 1, http: byHeader('x-who', 'me') }]);
    const failed = await new Promise<{ code?: number; details?: string } | null>((resolve) =>
      client.makeUnaryRequest(unary.path, unary.requestSerialize, unary.responseDeserialize, 'hi', as('mine'), (error) => resolve(error)),
    );
    expect(failed).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('does not listen') });
  });
});

import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createKubeClient } from './client.ts';
import { createLeaderElection, type LeaderElection } from './leader-election.ts';
import { LEASE_DURATION_S } from './limits.ts';
import { type FakeApiServer, failure, sendJson, startFakeApi } from './testing/fake-api-server.ts';

const LEASE_MS = LEASE_DURATION_S * 1_000;

interface Lease {
  metadata: { resourceVersion: string };
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number };
}

/** One lease with the API server's rules for versions. */
async function leaseServer(): Promise<{ api: FakeApiServer; state: { lease: Lease | undefined; down: boolean } } & AsyncDisposable> {
  const state: { lease: Lease | undefined; down: boolean } = { lease: undefined, down: false };
  let version = 0;
  const api = await startFakeApi({
    handle: (request, response, body) => {
      if (state.down) return sendJson(response, failure(500, 'down'), 500);
      if (request.method === 'GET') return state.lease === undefined ? sendJson(response, failure(404, 'none'), 404) : sendJson(response, state.lease);
      const sent = JSON.parse(body) as Lease;
      const conflict = request.method === 'POST' ? state.lease !== undefined : sent.metadata.resourceVersion !== state.lease?.metadata.resourceVersion;
      if (conflict) return sendJson(response, failure(409, 'conflict'), 409);
      state.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(++version) } };
      sendJson(response, state.lease);
    },
  });
  return { api, state, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

/** A replica whose terms can be awaited. */
function replica(api: FakeApiServer, identity: string): { election: LeaderElection; led: Promise<AbortSignal>; lost: Promise<void> } & AsyncDisposable {
  const kube = createKubeClient(api.connection, { log: silentLog });
  const led = Promise.withResolvers<AbortSignal>();
  const lost = Promise.withResolvers<void>();
  const election = createLeaderElection(kube, {
    namespace: 'tp',
    name: 'lead',
    identity,
    log: silentLog,
    onLead: (signal) => led.resolve(signal),
    onLost: () => lost.resolve(),
  });
  return {
    election,
    led: led.promise,
    lost: lost.promise,
    async [Symbol.asyncDispose]() {
      await election.close();
      kube.close();
    },
  };
}

describe('leader election', () => {
  it('lets one lead, and the other as soon as it closes', async () => {
    await using server = await leaseServer();
    await using a = replica(server.api, 'a');
    const signal = await a.led;
    await using b = replica(server.api, 'b');
    await expect.poll(() => b.election.leader, { timeout: 3000 }).toBe('a');
    expect([a.election.leading, b.election.leading]).toEqual([true, false]);
    await a.election.close();
    expect(signal.aborted).toBe(true);
    expect(server.state.lease?.spec?.holderIdentity).toBe('');
    const began = performance.now();
    await b.led;
    // released, not waited for until it ran out
    expect(performance.now() - began).toBeLessThan(LEASE_MS);
  });

  it('replaces a leader that was killed, when its lease has run out', async () => {
    await using server = await leaseServer();
    server.state.lease = { metadata: { resourceVersion: 'x' }, spec: { holderIdentity: 'dead', leaseDurationSeconds: 7 } };
    const began = performance.now();
    await using b = replica(server.api, 'b');
    await b.led;
    expect(performance.now() - began).toBeGreaterThan(LEASE_MS - 100);
  });

  it("stops leading before the lease can be taken, when it can't be renewed", async () => {
    await using server = await leaseServer();
    await using a = replica(server.api, 'a');
    const signal = await a.led;
    const began = performance.now();
    server.state.down = true;
    await a.lost;
    expect(signal.aborted).toBe(true);
    expect(performance.now() - began).toBeLessThan(LEASE_MS);
    server.state.down = false;
  });

  it('stops leading when somebody else took the lease', async () => {
    await using server = await leaseServer();
    await using a = replica(server.api, 'a');
    await a.led;
    server.state.lease = { metadata: { resourceVersion: 'stolen' }, spec: { holderIdentity: 'thief', leaseDurationSeconds: 7 } };
    await a.lost;
    expect(a.election.leading).toBe(false);
    await a.election.close();
    expect(server.state.lease?.spec?.holderIdentity).toBe('thief');
  });
});

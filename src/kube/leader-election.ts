/** One leader among replicas, by a Lease. Clocks of different machines are never compared. */

import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import type { KubeClient } from './contract.ts';
import { LEASE_DURATION_S, LEASE_POLL_MS, LEASE_RENEW_DEADLINE_MS, LEASE_RENEW_MS, LEASE_REQUEST_TIMEOUT_MS, LEASE_RETRY_MS } from './limits.ts';
import { resourcePath } from './paths.ts';

export interface LeaderElectionOptions {
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unique for each process: the pod's name and something random. */
  identity: string;
  log: Log;
  /** Called when this one leads. The signal is aborted before anybody else may lead; a promise that is returned is waited for before the lease is given up. */
  onLead(signal: AbortSignal): void | Promise<void>;
  /** Called after the lead was lost or given up. */
  onLost?(): void;
  /** Called when the known leader changes. */
  onLeader?(identity: string): void;
}

export interface LeaderElection {
  readonly leading: boolean;
  /** Identity of the leader as last seen. */
  readonly leader: string | undefined;
  /** Stops taking part; gives the lease up, so that another one leads within a second. Idempotent. */
  close(): Promise<void>;
}

interface Term {
  controller: AbortController;
  work: Promise<void>;
  /** When the request of the last renewal was sent, by this process's own clock. */
  renewed: number;
}

interface Lease {
  apiVersion: 'coordination.k8s.io/v1';
  kind: 'Lease';
  metadata: { name: string; namespace: string; resourceVersion?: string };
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; acquireTime?: string; renewTime?: string; leaseTransitions?: number };
}

export function createLeaderElection(client: KubeClient, options: LeaderElectionOptions): LeaderElection {
  const { namespace, name, identity, log } = options;
  const path = resourcePath('coordination.k8s.io/v1', 'leases', namespace, name);
  const closing = new AbortController();
  let term: Term | undefined;
  let ending: Promise<void> = Promise.resolve();
  let leader: string | undefined;
  /** The lease as it was seen to change last, and when by this process's own clock. */
  let seen: { version: string; at: number; lease: Lease } | undefined;

  function observe(lease: Lease): void {
    const version = lease.metadata.resourceVersion ?? '';
    if (seen?.version !== version) seen = { version, at: performance.now(), lease };
    const holder = lease.spec?.holderIdentity || undefined;
    if (holder === leader) return;
    leader = holder;
    if (holder !== undefined) options.onLeader?.(holder);
  }

  const call = { timeoutMs: LEASE_REQUEST_TIMEOUT_MS };

  async function read(): Promise<Lease> {
    try {
      return await client.get<Lease>(path, { ...call, signal: closing.signal });
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'TP-KUBE-NOT-FOUND') throw error;
      return client.create<Lease>(
        { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: {} },
        { ...call, signal: closing.signal },
      );
    }
  }

  /** Takes or renews the lease. False: somebody else has it. */
  async function claim(): Promise<boolean> {
    const began = performance.now();
    const before = term;
    const lease = before === undefined || seen === undefined ? await read() : seen.lease;
    observe(lease);
    const holder = lease.spec?.holderIdentity || undefined;
    const expired = performance.now() - (seen?.at ?? 0) > (lease.spec?.leaseDurationSeconds ?? LEASE_DURATION_S) * 1000;
    if (holder !== undefined && holder !== identity && !expired) return false;
    const now = new Date().toISOString().replace('Z', '000Z');
    const same = holder === identity;
    const spec: Lease['spec'] = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_DURATION_S,
      acquireTime: same ? (lease.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (same ? 0 : 1),
    };
    try {
      observe(await client.request<Lease>('PUT', path, { ...call, body: { ...lease, spec } }));
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'TP-KUBE-CONFLICT') throw error;
      const newest = await read();
      observe(newest);
      // An earlier write of ours may have arrived although its answer did not: then the next try renews on top of it.
      if (newest.spec?.holderIdentity === identity) throw error;
      return false;
    }
    if (before !== undefined && term === before) before.renewed = began;
    // A term that ended while the request was under way is over; the next turn begins a new one.
    else if (before === undefined) begin(began);
    return true;
  }

  function begin(renewed: number): void {
    const controller = new AbortController();
    log.info('this replica leads', { lease: name });
    const started: Term = { controller, renewed, work: Promise.resolve() };
    term = started;
    started.work = (async () => options.onLead(controller.signal))().catch((error: unknown) => {
      if (controller.signal.aborted) return;
      log.error('the work of the leader failed', { error });
      void end('its work failed');
    });
  }

  function end(why: string): Promise<void> {
    const ended = term;
    if (ended === undefined) return ending;
    term = undefined;
    log.info('this replica leads no more', { lease: name, why });
    ended.controller.abort(new CodedError('TP-CANCELLED', `This replica leads no more: ${why}.`));
    options.onLost?.();
    ending = settled(ended.work, LEASE_DURATION_S * 1000);
    return ending;
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      // The work of a term must be over before the next begins.
      if (term === undefined) await ending;
      let wait = LEASE_POLL_MS * (1 + Math.random() * 0.2);
      // A request that hangs must not carry the leader past its deadline.
      const deadline =
        term === undefined
          ? undefined
          : setTimeout(() => void end('the lease could not be renewed in time'), Math.max(0, term.renewed + LEASE_RENEW_DEADLINE_MS - performance.now()));
      try {
        if (await claim()) wait = LEASE_RENEW_MS;
        else void end('somebody else took the lease');
      } catch (error) {
        if (closing.signal.aborted) break;
        wait = LEASE_RETRY_MS;
        log.debug('lease request failed', { lease: name, error });
        if (term !== undefined && performance.now() - term.renewed > LEASE_RENEW_DEADLINE_MS - LEASE_RETRY_MS)
          void end('the lease could not be renewed in time');
      } finally {
        clearTimeout(deadline);
      }
      await sleep(wait, closing.signal).catch(() => {});
    }
  }

  async function release(): Promise<void> {
    const lease = await client.get<Lease>(path, call);
    if (lease.spec?.holderIdentity !== identity) return;
    await client.request('PUT', path, { ...call, body: { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } } });
  }

  const running = run();
  let closed: Promise<void> | undefined;
  return {
    get leading() {
      return term !== undefined;
    },
    get leader() {
      return leader;
    },
    close() {
      closed ??= (async () => {
        closing.abort(new CodedError('TP-CANCELLED', 'The election was closed.'));
        await running;
        const led = term !== undefined;
        await end('it was closed');
        if (led) await release().catch((error: unknown) => log.debug('the lease was not given up', { lease: name, error }));
      })();
      return closed;
    },
  };
}

/** Resolves when `work` is over, at the latest after `ms`. */
async function settled(work: Promise<void>, ms: number): Promise<void> {
  const limit = new AbortController();
  await Promise.race([work, sleep(ms, limit.signal).catch(() => {})]);
  limit.abort();
}

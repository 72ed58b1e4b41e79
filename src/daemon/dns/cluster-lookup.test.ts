import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { addressRecord, CLASS, DnsQueryError, decodeMessage, encodeMessage, RCODE, TYPE } from '../../dns/index.ts';
import { CLUSTER_STALE_MS, CLUSTER_STALE_TTL_S, createClusterLookup } from './cluster-lookup.ts';

const NAME = 'web.shop.svc.cluster.local';

function setup() {
  const clock = { now: 0 };
  const line: { state: 'up' | 'silent' | 'down'; rcode: number } = { state: 'up', rcode: RCODE.NOERROR };
  const lookup = createClusterLookup({
    log: silentLog,
    now: () => clock.now,
    cluster: {
      get available() {
        return line.state !== 'down';
      },
      query: (bytes) => {
        if (line.state === 'silent') return Promise.reject(new DnsQueryError('timeout', 'no answer'));
        const query = decodeMessage(bytes);
        const record = query.questions[0]?.type === TYPE.A && line.rcode === RCODE.NOERROR ? addressRecord(NAME, '10.96.0.7', 5) : undefined;
        return Promise.resolve(
          encodeMessage({ ...query, response: true, rcode: line.rcode, answers: record === undefined ? [] : [{ ...record, class: CLASS.IN }] }),
        );
      },
    },
  });
  return { clock, line, lookup };
}

describe('names of the cluster', () => {
  it('that were there are told while the line is down or silent, for a short time to live', async () => {
    const { clock, line, lookup } = setup();
    await lookup.lookup(NAME, TYPE.A, 1000);
    clock.now = 60_000;
    expect(lookup.peek(NAME, TYPE.A)).toBeUndefined();
    line.state = 'down';
    expect(lookup.peek(NAME, TYPE.A)?.answers).toMatchObject([{ ttl: CLUSTER_STALE_TTL_S }]);
    line.state = 'silent';
    expect((await lookup.lookup(NAME, TYPE.A, 1000)).answers).toMatchObject([{ ttl: CLUSTER_STALE_TTL_S }]);
    clock.now = 2 * CLUSTER_STALE_MS;
    await expect(lookup.lookup(NAME, TYPE.A, 1000)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('that the cluster has no more, or that were never asked for, are not told then', async () => {
    const { clock, line, lookup } = setup();
    await lookup.lookup(NAME, TYPE.A, 1000);
    clock.now = 60_000;
    line.rcode = RCODE.NXDOMAIN;
    await lookup.lookup(NAME, TYPE.A, 1000);
    clock.now = 120_000;
    line.state = 'down';
    await expect(lookup.lookup(NAME, TYPE.A, 1000)).rejects.toMatchObject({ code: 'closed' });
    await expect(lookup.lookup('other.shop.svc.cluster.local', TYPE.A, 1000)).rejects.toMatchObject({ code: 'closed' });
  });
});

/** Our own answers: a cluster's records under the name that was asked, fitted to what the client takes. */
import { DNS_MESSAGE_LIMIT, DNS_UDP_DEFAULT_SIZE, type DnsMessage, type DnsRecord, encodeMessage, optOf, optRecord, sameName, TYPE } from '../../dns/index.ts';
import type { ClusterAnswer } from './cluster-lookup.ts';

/** Largest UDP answer that is given however much the client says it takes: one datagram on loopback and bridges. */
export const CLIENT_UDP_LIMIT = 4096;

const isAddress = (record: DnsRecord) => record.type === TYPE.A || record.type === TYPE.AAAA;

/** Another address first each time, as the cluster's DNS does: a cached answer must not send everybody to the same pod. */
function rotated(records: DnsRecord[], turn: number): DnsRecord[] {
  const addresses = records.filter(isAddress);
  if (addresses.length < 2) return records;
  const by = turn % addresses.length;
  return [...records.filter((record) => !isAddress(record)), ...addresses.slice(by), ...addresses.slice(0, by)];
}

/**
 * Encodes the answer to `query`. Records of `lookedUp` get the name as it was asked, TTLs count down;
 * TC is set when the client takes less than there is.
 */
export function encodeAnswer(query: DnsMessage, answer: ClusterAnswer, options: { lookedUp: string; tcp: boolean; turn: number }): Buffer {
  const asked = query.questions[0]?.name ?? '';
  const own = (record: DnsRecord): DnsRecord => ({
    ...record,
    name: sameName(record.name, options.lookedUp) ? asked : record.name,
    ttl: Math.max(0, record.ttl - answer.ageSeconds),
  });
  const opt = optOf(query);
  const limit = options.tcp ? DNS_MESSAGE_LIMIT : Math.min(CLIENT_UDP_LIMIT, Math.max(DNS_UDP_DEFAULT_SIZE, opt?.class ?? 0));
  return encodeMessage(
    {
      id: query.id,
      response: true,
      opcode: query.opcode,
      authoritative: false,
      truncated: false,
      recursionDesired: query.recursionDesired,
      recursionAvailable: true,
      authenticData: false,
      checkingDisabled: query.checkingDisabled,
      rcode: answer.rcode,
      questions: query.questions,
      answers: rotated(answer.answers.map(own), options.turn),
      authorities: answer.authorities.map(own),
      additionals: [...answer.additionals.map(own), ...(opt === undefined ? [] : [optRecord((opt.ttl & 0x8000) !== 0)])],
    },
    limit,
  );
}

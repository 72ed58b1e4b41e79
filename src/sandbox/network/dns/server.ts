/** The two resolvers of a sandbox: that of the cluster, and one outside of it that a workstation asks. UDP and TCP. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import {
  addressRecord,
  CLASS,
  createFrameReader,
  DNS_MESSAGE_LIMIT,
  DNS_UDP_DEFAULT_SIZE,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  foldName,
  frameMessage,
  OPCODE,
  optOf,
  optRecord,
  RCODE,
  TYPE,
} from '../../../dns/index.ts';
import { SANDBOX_NETWORK } from '../../contract.ts';
import { CLUSTER_DNS_TTL_S, DNS_IDLE_MS } from '../limits.ts';
import type { ClusterZone, ZoneAnswer } from './zone.ts';

/** What a resolver knows; undefined for a name that is nobody's. */
type Resolve = (question: DnsQuestion) => ZoneAnswer | undefined;

const OUTSIDE_NAME = 'outside.test';

/** The world outside of the cluster: one name. */
function outside(question: DnsQuestion): ZoneAnswer | undefined {
  const name = foldName(question.name);
  if (name !== OUTSIDE_NAME) return name.endsWith(`.${OUTSIDE_NAME}`) ? { exists: false, records: [] } : undefined;
  const record = addressRecord(question.name, SANDBOX_NETWORK.node, CLUSTER_DNS_TTL_S);
  return { exists: true, records: question.type === TYPE.A && record !== undefined ? [record] : [] };
}

export async function startResolvers(log: Log, zone: ClusterZone, clusterAddress: string): Promise<void> {
  const inCluster: Resolve = (question) => {
    const found = zone.answer(question) ?? outside(question);
    if (found?.alias === undefined) return found;
    const alias: DnsRecord = { name: question.name, type: TYPE.CNAME, class: CLASS.IN, ttl: CLUSTER_DNS_TTL_S, data: [found.alias] };
    const behind = question.type === TYPE.CNAME ? undefined : inCluster({ ...question, name: found.alias });
    return { exists: true, records: [alias, ...(behind?.records ?? [])] };
  };
  await Promise.all([serve(log, clusterAddress, inCluster), serve(log, SANDBOX_NETWORK.outsideDns, outside)]);
}

function soaOf(name: string): DnsRecord {
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [1, 7200, 1800, 86_400, CLUSTER_DNS_TTL_S].entries()) numbers.writeUInt32BE(value, index * 4);
  const zone = foldName(name).endsWith('cluster.local') ? 'cluster.local' : '';
  return { name: zone, type: TYPE.SOA, class: CLASS.IN, ttl: CLUSTER_DNS_TTL_S, data: ['ns.dns.cluster.local', 'hostmaster.cluster.local', numbers] };
}

function reply(query: DnsMessage, resolve: Resolve): DnsMessage {
  const base: DnsMessage = {
    ...query,
    response: true,
    authoritative: false,
    truncated: false,
    recursionAvailable: true,
    authenticData: false,
    rcode: RCODE.NOERROR,
    answers: [],
    authorities: [],
    additionals: optOf(query) === undefined ? [] : [optRecord()],
  };
  const [question, ...more] = query.questions;
  if (query.opcode !== OPCODE.QUERY) return { ...base, rcode: RCODE.NOTIMP };
  if (question === undefined || more.length > 0) return { ...base, rcode: RCODE.FORMERR };
  const found = question.class === CLASS.IN ? resolve(question) : undefined;
  if (found === undefined) return { ...base, rcode: RCODE.NXDOMAIN };
  const authoritative = foldName(question.name).endsWith('cluster.local');
  if (found.records.length > 0) return { ...base, authoritative, answers: found.records };
  return { ...base, authoritative, rcode: found.exists ? RCODE.NOERROR : RCODE.NXDOMAIN, authorities: [soaOf(question.name)] };
}

/** Undefined for what is no query: it is not answered. */
function answerTo(log: Log, bytes: Buffer, resolve: Resolve, limitOf: (query: DnsMessage) => number): Buffer | undefined {
  try {
    const query = decodeMessage(bytes);
    return query.response ? undefined : encodeMessage(reply(query, resolve), limitOf(query));
  } catch (error) {
    log.debug('a DNS query could not be read', { reason: messageOf(error) });
    return undefined;
  }
}

async function serve(log: Log, address: string, resolve: Resolve): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', (error) => log.error('a resolver failed', { address, error }));
  socket.on('message', (bytes, peer) => {
    const limit = (query: DnsMessage) => Math.max(DNS_UDP_DEFAULT_SIZE, optOf(query)?.class ?? DNS_UDP_DEFAULT_SIZE);
    const answer = answerTo(log, bytes, resolve, limit);
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
  });
  const server = createServer((connection) => {
    connection.setTimeout(DNS_IDLE_MS, () => connection.destroy());
    connection.on('error', (error) => log.debug('a DNS connection broke', { error }));
    const frames = createFrameReader();
    connection.on('data', (chunk: Buffer) => {
      for (const bytes of frames.push(chunk)) {
        const answer = answerTo(log, bytes, resolve, () => DNS_MESSAGE_LIMIT);
        if (answer !== undefined) connection.write(frameMessage(answer));
      }
    });
    connection.on('end', () => connection.end());
  });
  server.on('error', (error) => log.error('a resolver failed', { address, error }));
  await Promise.all([
    new Promise<void>((done, fail) => socket.once('error', fail).bind(53, address, () => done())),
    new Promise<void>((done, fail) => server.once('error', fail).listen(53, address, () => done())),
  ]);
}

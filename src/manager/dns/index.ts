/**
 * The manager's end of a workstation's `dns` stream: messages go to the cluster's DNS as they are, and its answers back.
 * What the workstation may ask is for `allow` to say; how much at once is bounded here.
 */
import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  createFrameReader,
  errorReply,
  frameMessage,
  isMessage,
  isResponse,
  OPCODE,
  opcodeOf,
  questionCountOf,
  questionOf,
  RCODE,
  readResolvConf,
} from '../../dns/index.ts';
import { createSlots, type Slots } from '../outbound/quota.ts';
import { createDnsForwarder, type DnsForwarder } from './forwarder.ts';

export { createDnsForwarder, type DnsForwarder } from './forwarder.ts';

/** Queries of one workstation in work; while there are so many its stream is not read. */
export const DNS_STREAM_QUERIES = 256;

export interface ServeDnsOptions {
  log: Log;
  /** Where to ask. A forwarder may be shared by all streams, and then is not closed with them. */
  resolver: { address: string; port?: number } | DnsForwarder;
  /** Whether this name (presentation form, as asked) may be asked; REFUSED otherwise. */
  allow?: (name: string) => boolean;
  /** Queries in work on all streams that share it; more wait in line. */
  work?: Slots;
}

/** The resolver that a pod is given: the first nameserver of its resolv.conf. */
export function resolverFrom(resolvConf: string): { address: string; port: number } {
  return { address: readResolvConf(resolvConf).nameservers[0] as string, port: 53 };
}

/** Serves until the stream is over. Every query is answered, with SERVFAIL when the cluster's DNS gave no answer. */
export function serveDnsStream(stream: Duplex, { log, resolver, allow = () => true, work = createSlots(DNS_STREAM_QUERIES) }: ServeDnsOptions): void {
  const shared = 'query' in resolver;
  const forwarder = shared ? resolver : createDnsForwarder({ log, ...resolver });
  const frames = createFrameReader();
  const gone = new AbortController();
  // One listener for each query in work.
  setMaxListeners(0, gone.signal);
  let working = 0;
  let unread = false;
  let ended = false;

  /** Read but not begun: at most what one chunk of the stream held. */
  const backlog: Buffer[] = [];
  const pace = () => {
    if (working >= DNS_STREAM_QUERIES || unread) stream.pause();
    else stream.resume();
  };
  const startMore = () => {
    while (working < DNS_STREAM_QUERIES) {
      const message = backlog.shift();
      if (message === undefined) return;
      serve(message).catch((thrown: unknown) => log.warn('a query of a workstation failed', { error: messageOf(thrown) }));
    }
  };
  const answer = (message: Buffer) => {
    if (!stream.writable) return;
    unread = !stream.write(frameMessage(message));
    pace();
  };
  const endWhenDone = () => {
    if (ended && working === 0 && stream.writable) stream.end();
  };
  async function serve(message: Buffer): Promise<void> {
    const question = questionOf(message);
    if (question === undefined || questionCountOf(message) !== 1 || opcodeOf(message) !== OPCODE.QUERY) return answer(errorReply(message, RCODE.FORMERR));
    if (!allow(question.name)) return answer(errorReply(message, RCODE.REFUSED));
    working++;
    pace();
    let release: (() => void) | undefined;
    try {
      release = await work.take(gone.signal);
      answer(await forwarder.query(message, gone.signal));
    } catch (thrown) {
      if (gone.signal.aborted) return;
      log.debug("the cluster's DNS did not answer", { name: question.name, error: messageOf(thrown) });
      answer(errorReply(message, RCODE.SERVFAIL));
    } finally {
      release?.();
      working--;
      if (!gone.signal.aborted) {
        startMore();
        pace();
      }
      endWhenDone();
    }
  }

  stream.on('data', (chunk: Buffer) => {
    for (const message of frames.push(chunk)) {
      if (!isMessage(message) || isResponse(message)) return void stream.destroy(new Error('what came on the dns stream is no query'));
      backlog.push(message);
    }
    startMore();
  });
  stream.on('drain', () => {
    unread = false;
    pace();
  });
  stream.on('end', () => {
    ended = true;
    endWhenDone();
  });
  stream.on('error', (error) => log.debug('a dns stream failed', { error }));
  stream.on('close', () => {
    gone.abort();
    if (!shared) forwarder.close();
  });
}

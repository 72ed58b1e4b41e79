/** Questions whose names are, or may be, the cluster's: asked there first, and what the cluster does not have is passed on. */
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  addressRecord,
  answerCountOf,
  CLASS,
  DnsFormatError,
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  errorReply,
  foldName,
  isTruncated,
  questionMessage,
  RCODE,
  rcodeOf,
  TYPE,
  withTruncated,
} from '../../dns/index.ts';
import { encodeAnswer } from './answer.ts';
import type { ClusterAnswer, ClusterLookup } from './cluster-lookup.ts';
import { createHiddenNames } from './hidden-names.ts';
import type { ClientQuery } from './listener.ts';
import type { Route } from './policy.ts';
import { createSearchDomains, SEARCH_SILENCE_MS } from './search-domain.ts';
import type { Upstream } from './upstream.ts';

/** How long a name that may be somebody else's waits for the cluster: an outside name must not fail because the tunnel stands still. */
export const SHARED_NAME_TIMEOUT_MS = 2000;
/** TTL of answers made from a mapping. */
export const MAPPING_TTL_S = 5;

export interface Asked {
  query: DnsMessage;
  client: ClientQuery;
  servers: readonly string[];
  /** Passes the query on to the previous resolver. */
  pass(): void;
}

export interface Answerer {
  answer(route: Exclude<Route, { to: 'upstream' }>, asked: Asked): void;
  hiddenNames(): string[];
  clear(): void;
}

const made = (answers: ClusterAnswer['answers']): ClusterAnswer => ({ rcode: RCODE.NOERROR, answers, authorities: [], additionals: [], ageSeconds: 0 });

export function createAnswerer({
  lookup,
  upstream,
  log,
  lookupTimeoutMs,
}: {
  lookup: ClusterLookup;
  upstream: Upstream;
  log: Log;
  lookupTimeoutMs: () => number;
}): Answerer {
  let turn = 0;
  /** The last server that was asked: where hidden names are looked for. */
  let lastServer: string | undefined;
  const ownQuery = (name: string, type: number) => encodeMessage(questionMessage(name, type));
  const hidden = createHiddenNames(async (name) => {
    const answer = lastServer === undefined ? undefined : await upstream.ask(lastServer, ownQuery(name, TYPE.A));
    return answer !== undefined && rcodeOf(answer) === RCODE.NOERROR && answerCountOf(answer) > 0;
  });

  function reply({ query, client }: Asked, answer: ClusterAnswer, lookedUp: string): void {
    client.reply(encodeAnswer(query, answer, { lookedUp, tcp: client.tcp, turn: turn++ }));
  }

  function settle(asked: Asked, name: string, own: boolean, answer: ClusterAnswer, notThere: () => void): void {
    if (answer.rcode !== RCODE.NOERROR && !own) {
      notThere();
      return;
    }
    if (!own && asked.servers[0] !== undefined) {
      lastServer = asked.servers[0];
      hidden.note(foldName(asked.query.questions[0]?.name ?? ''));
    }
    reply(asked, answer, name);
  }

  function fromCluster(asked: Asked, name: string, own: boolean, notThere: () => void): void {
    const type = asked.query.questions[0]?.type ?? TYPE.A;
    const known = lookup.peek(name, type);
    if (known !== undefined) {
      settle(asked, name, own, known, notThere);
      return;
    }
    const timeoutMs = own ? lookupTimeoutMs() : Math.min(SHARED_NAME_TIMEOUT_MS, lookupTimeoutMs());
    lookup
      .lookup(name, type, timeoutMs)
      .then(
        (answer) => settle(asked, name, own, answer, notThere),
        (thrown: unknown) => {
          log.debug('the cluster did not answer', { name, error: messageOf(thrown) });
          if (own) asked.client.reply(errorReply(asked.client.message, RCODE.SERVFAIL));
          else notThere();
        },
      )
      .catch((thrown: unknown) => log.warn('a DNS query could not be answered', { name, error: messageOf(thrown) }));
  }

  /** The previous resolver's answer for the name that a mapping stands for, behind a CNAME. */
  async function fromAlias(asked: Asked, name: string): Promise<void> {
    const question = asked.query.questions[0];
    const server = asked.servers[0];
    if (question === undefined || server === undefined) return asked.pass();
    const bytes = await upstream.ask(server, ownQuery(name, question.type));
    if (bytes === undefined) return;
    try {
      const answer = decodeMessage(bytes);
      const cname = { name: question.name, type: TYPE.CNAME, class: CLASS.IN, ttl: MAPPING_TTL_S, data: [name] };
      const encoded = encodeAnswer(
        asked.query,
        { ...made([cname, ...answer.answers]), rcode: answer.rcode, authorities: answer.authorities },
        { lookedUp: question.name, tcp: asked.client.tcp, turn: 0 },
      );
      asked.client.reply(isTruncated(bytes) ? withTruncated(encoded) : encoded);
    } catch (thrown) {
      if (!(thrown instanceof DnsFormatError)) throw thrown;
      log.debug('the previous resolver sent what is no answer', { name, error: thrown });
    }
  }

  const searchDomains = createSearchDomains();
  async function underSearchDomain(asked: Asked, route: Extract<Route, { to: 'search' }>): Promise<void> {
    const server = asked.servers[0];
    const type = asked.query.questions[0]?.type ?? TYPE.A;
    // A client on TCP was told by UDP to come here: the answer is the previous resolver's.
    if (server === undefined || asked.client.tcp) return asked.pass();
    const ask = (name?: string) => upstream.ask(server, name === undefined ? asked.client.message : ownQuery(name, type), SEARCH_SILENCE_MS);
    const { cluster, answer } = await searchDomains.decide(ask, route.suffix, `${server} ${type} ${route.suffix}`);
    const notThere = () => (answer === undefined ? asked.pass() : asked.client.reply(answer));
    if (cluster) fromCluster(asked, route.name, false, notThere);
    else notThere();
  }

  return {
    answer(route, asked) {
      if (route.to === 'search') {
        underSearchDomain(asked, route).catch((thrown: unknown) =>
          log.warn('a name under a search domain could not be answered', { name: route.name, error: messageOf(thrown) }),
        );
        return;
      }
      if (route.to === 'cluster') return fromCluster(asked, route.name, route.own, asked.pass);
      if (route.to === 'address') {
        const question = asked.query.questions[0];
        const record = addressRecord(question?.name ?? '', route.address, MAPPING_TTL_S);
        return reply(asked, made(record !== undefined && record.type === question?.type ? [record] : []), '');
      }
      fromCluster(asked, route.name, false, () => {
        fromAlias(asked, route.alias).catch((thrown: unknown) =>
          log.warn('a mapped name could not be answered', { name: route.alias, error: messageOf(thrown) }),
        );
      });
    },
    hiddenNames: () => hidden.names(),
    clear: () => hidden.clear(),
  };
}

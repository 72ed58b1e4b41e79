/**
 * `web.corp.example`, asked because `corp.example` is in resolv.conf's search list and somebody typed `web`: C libraries
 * ask this before `web` itself. The previous resolver decides, as before, but for two cases in which no Service could ever be
 * reached by its short name: the search domain answers every name (a wildcard), or its resolver is silent.
 */
import { randomBytes } from 'node:crypto';
import { addressOf, answerCountOf, DnsFormatError, decodeMessage, isTruncated, RCODE, rcodeOf } from '../../dns/index.ts';

/** How long the previous resolver may take before the cluster is asked. */
export const SEARCH_SILENCE_MS = 1000;
/** How long it is remembered whether a search domain answers every name. */
export const WILDCARD_REMEMBERED_MS = 300_000;
export const WILDCARDS_REMEMBERED = 64;

export interface SearchDomains {
  /**
   * What to do with a name under a search domain: give the previous resolver's answer, or ask the cluster,
   * and give `answer`, if there is one, when it has no such name.
   */
  decide(ask: (name?: string) => Promise<Buffer | undefined>, suffix: string, key: string): Promise<{ cluster: boolean; answer: Buffer | undefined }>;
}

/** The addresses in a positive answer, comparable; undefined when it is none. */
function addressesIn(answer: Buffer | undefined): string | undefined {
  if (answer === undefined || rcodeOf(answer) !== RCODE.NOERROR || answerCountOf(answer) === 0 || isTruncated(answer)) return undefined;
  try {
    const addresses = decodeMessage(answer)
      .answers.map(addressOf)
      .filter((address) => address !== undefined);
    return addresses.length === 0 ? undefined : addresses.sort().join(' ');
  } catch (thrown) {
    if (thrown instanceof DnsFormatError) return undefined;
    throw thrown;
  }
}

export function createSearchDomains(now: () => number = () => performance.now()): SearchDomains {
  const wildcards = new Map<string, { at: number; addresses: Promise<string | undefined> }>();

  /** What a name gets that nobody can have made. */
  function wildcardOf(ask: (name: string) => Promise<Buffer | undefined>, suffix: string, key: string): Promise<string | undefined> {
    const known = wildcards.get(key);
    if (known !== undefined && now() - known.at < WILDCARD_REMEMBERED_MS) return known.addresses;
    const addresses = ask(`tp-${randomBytes(8).toString('hex')}${suffix}`).then(addressesIn);
    wildcards.delete(key);
    wildcards.set(key, { at: now(), addresses });
    if (wildcards.size > WILDCARDS_REMEMBERED) wildcards.delete(wildcards.keys().next().value as string);
    return addresses;
  }

  return {
    async decide(ask, suffix, key) {
      const answer = await ask();
      if (answer === undefined) return { cluster: true, answer };
      const addresses = addressesIn(answer);
      return { cluster: addresses !== undefined && addresses === (await wildcardOf(ask, suffix, key)), answer };
    },
  };
}

/** What agents saw of the marked requests of `doctor --propagation`. Forgotten after a minute. */
import type { ProbeHop } from '../../protocol/tunnel.ts';
import { type AgentLink, workloadKey } from '../context.ts';

/** How long agents look for a mark. */
export const PROBE_MS = 20_000;
/** How long what they saw is kept. */
export const PROBE_KEPT_MS = 60_000;
/** Probes at once; more forget the oldest. */
export const PROBE_LIMIT = 256;

export interface ProbeBook {
  /** These agents look for the mark now. */
  begin(id: string, agents: readonly AgentLink[]): void;
  heard(agent: AgentLink, id: string, seen: { marked: number; unmarked: number }): void;
  /** One entry for each workload, in the order in which they first saw the mark; those that did not come last. */
  hops(id: string): ProbeHop[];
}

interface Hop {
  workload: AgentLink['workload'];
  pods: Map<string, { marked: number; unmarked: number }>;
  /** Rank among those that saw the mark. */
  order: number | undefined;
}

export function createProbeBook(now: () => number = () => performance.now()): ProbeBook {
  const probes = new Map<string, { at: number; hops: Map<string, Hop>; seen: number }>();
  const sum = (hop: Hop, what: 'marked' | 'unmarked') => [...hop.pods.values()].reduce((all, pod) => all + pod[what], 0);
  return {
    begin(id, agents) {
      // a Map goes from its oldest on
      for (const [known, { at }] of probes) if (now() - at > PROBE_KEPT_MS || probes.size >= PROBE_LIMIT) probes.delete(known);
      const hops = new Map<string, Hop>();
      for (const { workload } of agents) hops.set(workloadKey(workload), { workload, pods: new Map(), order: undefined });
      probes.set(id, { at: now(), hops, seen: 0 });
    },
    heard(agent, id, { marked, unmarked }) {
      const probe = probes.get(id);
      const hop = probe?.hops.get(workloadKey(agent.workload));
      if (probe === undefined || hop === undefined) return;
      hop.pods.set(agent.podUid, { marked, unmarked });
      if (marked > 0) hop.order ??= probe.seen++;
    },
    hops(id) {
      const hops = [...(probes.get(id)?.hops.values() ?? [])];
      hops.sort((a, b) => (a.order ?? PROBE_LIMIT) - (b.order ?? PROBE_LIMIT));
      return hops.map((hop) => ({ workload: { ...hop.workload }, marked: sum(hop, 'marked'), unmarked: sum(hop, 'unmarked') }));
    },
  };
}

/**
 * How much of it the tests do that are long only by volume. On a sandbox everybody waits for them, at every change (`npm test`): there
 * they do as little as shows the same. What a test asserts is the same on both.
 */
import { onSandbox } from './cluster.ts';

const much = (onCluster: number, there: number): number => (onSandbox ? there : onCluster);

export const VOLUME = {
  /** Requests of all kinds to two intercepts, two previews and an ingress. */
  previewRequests: Number(process.env['PREVIEW_LOAD_REQUESTS'] ?? much(100_000, 5_000)),
  /** For how long streams talk, and how often they must have done so. A turn that takes 10 s is lost, and a machine of its own makes nine a second. */
  streamSeconds: much(300, 20),
  streamTurns: much(100, 7),
  /** The load beside rollouts and faults, on each workload. */
  requestsPerSecond: much(50, 10),
  /** When a request counts as lost. Beside all other tests a resolver that asks again after five seconds is no loss. */
  requestLimitMs: much(5_000, 10_000),
  /** How often a restart is compared with an agent's; odd, for there is a median. */
  costlyRounds: much(3, 1),
  /** For how long a process stands still: more than three probes of a pod that would fail. */
  stoppedMs: much(60_000, 15_000),
  /**
   * For how long a workstation has no link, and its connections outlive it. TCP tries again after up to as long as the line was away, the more
   * so where all waits for a processor, and what says nothing for 15 s is given up.
   */
  shortLossMs: much(10_000, 7_000),
  /** For how long a workstation has no link: longer than a peer that says nothing counts as there. */
  longLossMs: much(60_000, 20_000),
};

/** Every limit and time-out of the injector. docs/limits.md lists them with their reasons. */

/** A pod and its review are far smaller; the API server itself takes no object over 1.5 MiB. */
export const REVIEW_BODY_LIMIT = 8 * 1024 * 1024;
/** The webhook's own time is 2 s (`timeoutSeconds`): what is looked up for an answer must leave room to answer without it. */
export const REVIEW_LOOKUP_MS = 1_000;
/** How long what was looked up about a namespace serves the next pods of it. */
export const NAMESPACE_FACTS_MS = 5_000;
/** The agent's token is renewed by the kubelet; this is the shortest life the API server takes comfortably. */
export const AGENT_TOKEN_SECONDS = 3_600;
/** Requests of the sidecar where the namespace's LimitRange does not say otherwise. It has no limits: a throttled agent would slow the app. */
export const AGENT_CPU_REQUEST = '10m';
export const AGENT_MEMORY_REQUEST = '64Mi';
/** Given only where a quota wants limits. */
export const AGENT_CPU_LIMIT = '1';
export const AGENT_MEMORY_LIMIT = '256Mi';
/** The kubelet asks this often until the agent answers for the first time, and gives up (restarts it) after so many times. */
export const AGENT_STARTUP_PERIOD_SECONDS = 1;
export const AGENT_STARTUP_FAILURES = 60;
/** An agent that is started together with its app listens by then, also on a busy node; probes that end the app sooner wait for it. */
export const AGENT_START_SECONDS = 10;
export const AGENT_READINESS_PERIOD_SECONDS = 1;
export const AGENT_READINESS_FAILURES = 5;
/** The agent's first answer waits for its links, 2 s at most: a probe that failed meanwhile would cost a period more. */
export const AGENT_READINESS_TIMEOUT_SECONDS = 4;

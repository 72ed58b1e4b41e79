/** Every number of the cloud. docs/limits.md lists them with their reasons. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A browser session unused for so long is over. */
export const SESSION_IDLE_MS = 7 * DAY;
/** A browser session is over so long after sign-in, used or not. */
export const SESSION_LIFE_MS = 30 * DAY;
/** How often a session's, token's or cluster's last use is written down. */
export const SEEN_EVERY_MS = MINUTE;
/** How long a sign-in at a provider may take. */
export const SIGN_IN_FLOW_MS = 10 * MINUTE;
export const OAUTH_CODE_MS = 60 * SECOND;
/** A used code is remembered so long, so that its replay revokes what it gave. */
export const OAUTH_CODE_MEMORY_MS = DAY;
export const ACCESS_TOKEN_LIFE_MS = 90 * DAY;
export const INVITATION_LIFE_MS = 7 * DAY;
export const PREVIEW_GRANT_MS = 60 * SECOND;
export const PREVIEW_SESSION_MS = 12 * HOUR;
/** An ended preview is kept so long, for the page that explains. */
export const PREVIEW_MEMORY_MS = 7 * DAY;
export const AUDIT_MEMORY_MS = 365 * DAY;
export const SWEEP_EVERY_MS = MINUTE;
/** How long a request to a sign-in provider may take. */
export const PROVIDER_TIMEOUT_MS = 10 * SECOND;

/** scrypt: 32 MiB and about 100 ms each (OWASP's table). */
export const SCRYPT = { N: 2 ** 15, r: 8, p: 3 } as const;
export const PASSWORD_SHORTEST = 12;
export const PASSWORD_LONGEST = 256;

/** Body of a form or of an API request. */
export const BODY_LIMIT = 64 * 1024;
export const HEADERS_TIMEOUT_MS = 15 * SECOND;
export const HTTP_HEAD_LIMIT = 32 * 1024;
/** How long requests and links may drain at the end. */
export const SHUTDOWN_MS = 5 * SECOND;
export const ORGANISATIONS_PER_USER = 20;
export const TOKENS_PER_USER = 100;
export const PREVIEWS_PER_ORGANISATION = 2_000;
export const CLUSTERS_PER_ORGANISATION = 200;
export const LIST_LIMIT = 2_000;

/** points per seconds, by what is asked for. */
export const RATE_LIMITS = {
  /** Wrong passwords, by address. */
  'sign-in-address': { points: 20, seconds: 300 },
  /** Wrong passwords, by account. */
  'sign-in-account': { points: 10, seconds: 900 },
  /** Starts and ends of a sign-in at a provider, by address. */
  'sign-in-provider': { points: 60, seconds: 300 },
  /** Codes that bought no token, by address. */
  token: { points: 20, seconds: 60 },
  /** Bearer tokens that nobody has, by address. */
  bearer: { points: 60, seconds: 60 },
  /** Invitations opened, by address. */
  invitation: { points: 30, seconds: 300 },
} as const;

/** The manager must say hello so soon after the 101. */
export const LINK_HELLO_MS = 10 * SECOND;
/** A manager that was refused hangs up within this time, or is cut. */
export const LINK_REFUSAL_MS = SECOND;
/** A link is pinged so often, and is over when no answer came within the time-out. */
export const LINK_PING_MS = 5 * SECOND;
export const LINK_PING_TIMEOUT_MS = 10 * SECOND;
/** Manager replicas of one cluster that may link to one cloud replica. */
export const LINKS_PER_CLUSTER = 16;
export const LINK_STREAMS = 4_096;
/** Intercepts of one cluster. */
export const INTERCEPTS_LIMIT = 5_000;
/** A list that differs in request counts only is stored at most so often. */
export const COUNTS_EVERY_MS = 2 * SECOND;
export const END_INTERCEPT_TIMEOUT_MS = 10 * SECOND;
/** A cloud replica says so often that it lives; its links don't count when it did not for so long. */
export const REPLICA_BEAT_MS = 5 * SECOND;
export const REPLICA_DEAD_MS = 20 * SECOND;
/** How long a stream to another replica's link may take to open. */
export const FORWARD_TIMEOUT_MS = 5 * SECOND;
/** A connection to another replica that carries nothing is ended after so long. */
export const FORWARD_IDLE_MS = 30 * SECOND;
/** First and longest wait before PostgreSQL's notifications are listened to again. */
export const LISTEN_RETRY_MS = { first: 200, most: 5 * SECOND } as const;
export const DATABASE_POOL = 10;
export const DATABASE_TIMEOUT_MS = 5 * SECOND;

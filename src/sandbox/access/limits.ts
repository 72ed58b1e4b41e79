/** Time-outs, bounds and lifetimes of `access/`; docs/limits.md lists them with their reasons. */

/** The sandbox's CA and what it signs: a sandbox with its state on disk may be kept for long. */
export const CERTIFICATE_LIFETIME_MS = 10 * 365 * 24 * 3_600_000;
/** Certificates are valid from a little before now, for machines whose clocks are behind. */
export const CERTIFICATE_SKEW_MS = 3_600_000;
/** A token that was asked for without saying for how long. */
export const TOKEN_DEFAULT_SECONDS = 3600;
/** Shortest and longest life of a token that may be asked for, as in Kubernetes. */
export const TOKEN_MIN_SECONDS = 600;
export const TOKEN_MAX_SECONDS = 2 ** 32;
/** Tokens whose signature was checked: so many are remembered, and not checked again at each request. */
export const VERIFIED_TOKENS_LIMIT = 1024;

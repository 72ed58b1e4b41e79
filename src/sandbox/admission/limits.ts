/** Time-outs and bounds of `admission/`; docs/limits.md lists them with their reasons. */

/** What a webhook gets that says nothing about its time. */
export const WEBHOOK_TIMEOUT_S = 10;
/** The longest answer of a webhook that is read. */
export const WEBHOOK_ANSWER_LIMIT = 8 * 1024 * 1024;
/** Compiled expressions that are remembered. */
export const CEL_CACHE_LIMIT = 2048;

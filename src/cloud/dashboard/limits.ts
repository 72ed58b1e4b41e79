/** Every number of the dashboard. docs/limits.md lists them with their reasons. */

/** How often the live list is made anew for those who look at it. */
export const TRAFFIC_STEP_MS = 2_000;
/** Steps that the little chart shows: a minute. */
export const TRAFFIC_SAMPLES = 30;
/** Changes within so long are shown together. */
export const LIVE_DEBOUNCE_MS = 100;
/** The list of an organisation that nobody looks at any more is watched for so long, for those who reload by hand. */
export const LIVE_IDLE_MS = 60_000;
/** How often it is asked whether a live page's session still stands. */
export const LIVE_CHECK_MS = 15_000;
/** A comment so often keeps proxies from ending a quiet stream of events. */
export const LIVE_BEAT_MS = 20_000;
/** Rows of one page of the audit log and of the visits. */
export const LOG_PAGE = 50;
/** Visits of one preview that its intercept's page shows. */
export const RECENT_VISITS = 20;
/** How long the answer to "end" waits for the manager's list without the intercept. */
export const END_SHOWN_MS = 1_500;

/** Every number of `doctor`. docs/limits.md lists them with their reasons. */

/** One check; what takes longer is ill. */
export const DOCTOR_CHECK_MS = 10_000;

/** Times that were promised hold on a quiet machine; anywhere else a test asserts that it comes to that at all. */
export const MEASURED = process.env['TELEPRESENCE_TEST_MEASURED'] !== undefined;

/** The limit of a time: as promised where times are measured, else none but that it ends. */
export const within = (promisedMs: number): number => (MEASURED ? promisedMs : Number.MAX_VALUE);

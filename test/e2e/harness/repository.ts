import path from 'node:path';

/** The root of the checkout. */
export const repository = path.join(import.meta.dirname, '../../..');

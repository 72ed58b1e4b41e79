/**
 * Addresses without I/O: IP and CIDR text, strictly parsed, and set arithmetic on blocks.
 * Imports base only; everything here is a pure function.
 */
export * from './cidr.ts';
export * from './ip.ts';

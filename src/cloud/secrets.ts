/** Random secrets, and the only form in which they are stored: their SHA-256. 256 random bits need no slow hash. */
import { createHash, createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { PREVIEW_LABEL_LENGTH } from '../protocol/cloud.ts';

/** Prefixes make a leaked secret recognisable, and one kind useless where another is asked for. */
export const TOKEN_PREFIX = { access: 'tpa_', apikey: 'tpk_', cluster: 'tpc_' } as const;

export const newId = (): string => randomUUID();
/** 256 random bits as base64url. */
export const newSecret = (prefix = ''): string => prefix + randomBytes(32).toString('base64url');
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** A value that only the holder of `secret` can make, for one `purpose`. */
export function derive(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(purpose).digest('base64url');
}

/** Compares in constant time. */
export function sameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 128 random bits in lower-case base32: a DNS label that nobody guesses. */
export function newLabel(): string {
  let bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  let label = '';
  for (let index = 0; index < PREVIEW_LABEL_LENGTH; index++) {
    label += BASE32[Number(bits & 31n)];
    bits >>= 5n;
  }
  return label;
}

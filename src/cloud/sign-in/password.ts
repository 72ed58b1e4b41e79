/** Passwords as scrypt hashes: `scrypt$N$r$p$salt$hash`, so that the numbers can grow. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { PASSWORD_LONGEST, PASSWORD_SHORTEST, SCRYPT } from '../limits.ts';
import { Problem } from '../problem.ts';

const KEY_LENGTH = 32;

function derive(password: string, salt: Buffer, { N, r, p }: { N: number; r: number; p: number }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // scrypt needs 128·N·r bytes; Node's bound counts a little more.
    scrypt(password.normalize('NFC'), salt, KEY_LENGTH, { N, r, p, maxmem: 128 * N * r * 2 }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, SCRYPT);
  return ['scrypt', SCRYPT.N, SCRYPT.r, SCRYPT.p, salt.toString('base64'), key.toString('base64')].join('$');
}

/** Takes as long for an account that has no password, or that nobody has: the time must not say which accounts exist. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const [scheme, N, r, p, salt, hash] = (stored ?? '').split('$');
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined) {
    await derive(password, Buffer.alloc(16), SCRYPT);
    return false;
  }
  const key = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) });
  const expected = Buffer.from(hash, 'base64');
  return key.length === expected.length && timingSafeEqual(key, expected);
}

/** Throws a Problem when it may not be a password. */
export function checkPassword(password: unknown, about: { email: string; name: string }): string {
  const text = typeof password === 'string' ? password : '';
  if (text.length < PASSWORD_SHORTEST || text.length > PASSWORD_LONGEST) {
    throw new Problem(400, 'password', `The password needs ${PASSWORD_SHORTEST} to ${PASSWORD_LONGEST} characters.`);
  }
  const low = text.toLowerCase();
  if (new Set(low).size < 4 || low === about.email.toLowerCase() || low === about.name.toLowerCase()) {
    throw new Problem(400, 'password', 'That password is too easy to guess.');
  }
  return text;
}

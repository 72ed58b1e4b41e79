import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { DIRECT_SIGNATURE_PREFIX, SIGNATURE_PREFIX } from '../protocol/tunnel.ts';

/** What stands before the 32 raw bytes of an Ed25519 key in its DER form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_KEY_BYTES = 32;

export interface SessionKeys {
  /** Base64 of the 32 raw bytes: what stands in the Session object. */
  publicKey: string;
  /** Signs a text; base64. The private key can't be read out of it. */
  sign(text: string): string;
}

/** A fresh Ed25519 pair; the private key stays in this process. */
export function createSessionKeys(): SessionKeys {
  const pair = generateKeyPairSync('ed25519');
  const raw = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);
  return { publicKey: raw.toString('base64'), sign: (text) => sign(null, Buffer.from(text), pair.privateKey).toString('base64') };
}

/** Whom a proof is for: a manager, or the agent of one pod (`namespace/name`). */
export type ProofFor = 'manager' | { pod: string };

/** The text that proves a session: see SIGNATURE_PREFIX and DIRECT_SIGNATURE_PREFIX. */
export function nonceText(nonce: string, uid: string, to: ProofFor = 'manager'): string {
  return to === 'manager' ? `${SIGNATURE_PREFIX}${nonce}.${uid}` : `${DIRECT_SIGNATURE_PREFIX}${nonce}.${uid}.${to.pod}`;
}

/** Whether `signature` was made by the owner of `publicKey`. False for whatever is malformed. */
export function verifyNonce(publicKey: string, nonce: string, uid: string, signature: string, to: ProofFor = 'manager'): boolean {
  const raw = Buffer.from(publicKey, 'base64');
  if (raw.length !== RAW_KEY_BYTES) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(nonceText(nonce, uid, to)), key, Buffer.from(signature, 'base64'));
}

/**
 * Heads are read as the bytes they are: looking at a byte of a buffer costs half of what looking at a character of its text does, and a
 * line that decides nothing costs no string.
 */
export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const COLON = 58;

const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));

/** Which bytes a class of characters has: 1 for those. */
export function bytesOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (characters.test(String.fromCharCode(byte)) ? 1 : 0));
}

/** A word to look for with {@link isWord}. */
export function word(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether `wanted`, in lower case, stands at `at` in any case. */
export function isWord(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (LOWER[bytes[at + i] as number] !== wanted[i]) return false;
  return true;
}

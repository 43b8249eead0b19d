/** The part of a new id behind its prefix; apart from the shapes of ids.ts, so that the logging client needs no schema library. */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** 9 characters of Crockford base32 for the time (so that ids sort by creation) and 8 random ones. @param nowMs since the epoch */
export function idText(nowMs: number): string {
  let time = "";
  for (let rest = Math.floor(nowMs), i = 0; i < 9; i++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let random = "";
  for (const byte of globalThis.crypto.getRandomValues(new Uint8Array(8))) random += ALPHABET.charAt(byte % 32);
  return `${time}${random}`;
}

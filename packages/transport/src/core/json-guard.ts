/**
 * Depth and number of values of a JSON text, before anything is made of it: sixteen million brackets keep JSON.parse busy
 * for seconds, and nobody else is served meanwhile. Reads structure only; whether the text is JSON is for the parser to say.
 */
export const jsonDepthMax = 128;
/** 500,000: ten thousand items of fifty fields. Texts inside strings, payloads among them, count as one. */
export const jsonValuesMax = 500_000;

export type JsonExcess = "deep" | "many";

export function jsonExcess(text: Uint8Array): JsonExcess | undefined {
  // Every value but the first costs at least two bytes.
  if (text.length < jsonDepthMax) return undefined;
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]!;
    if (byte === quote) {
      for (;;) {
        i = text.indexOf(quote, i + 1);
        if (i === -1) return undefined;
        let backslashes = 0;
        while (text[i - 1 - backslashes] === backslash) backslashes++;
        if ((backslashes & 1) === 0) break;
      }
    } else if (byte === openBrace || byte === openBracket) {
      if (++depth > jsonDepthMax) return "deep";
      if (++values > jsonValuesMax) return "many";
    } else if (byte === closeBrace || byte === closeBracket) {
      depth--;
    } else if (byte === comma) {
      if (++values > jsonValuesMax) return "many";
    }
  }
  return undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

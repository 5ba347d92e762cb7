import type { StorageIdentity } from "./identity.js";

/**
 * What an examination needs from the test framework: the examinations below (`exerciseDisk`, `exerciseLogStore`, …) are part of the
 * package, so that every implementation of a seam can sit them, but the package itself needs no test framework.
 */
export interface Suite {
  describe(name: string, define: () => void): void;
  it(name: string, run: () => Promise<void> | void): void;
}

/** An identity for tests. */
export const sampleIdentity: StorageIdentity = { clusterId: "00112233445566778899aabbccddeeff", nodeId: 1, shard: 0, salt: "0123456789abcdef" };

/** Deterministic bytes: a stream of them, different for each seed. */
export function sampleBytes(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random() & 0xff;
  return bytes;
}

/** Uniform unsigned 32-bit numbers (splitmix): small, seeded, the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

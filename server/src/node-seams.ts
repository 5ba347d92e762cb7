import { randomFillSync } from "node:crypto";
import type { Clock, Random } from "@corvo/protocol";

/** The real clock. */
export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    // setTimeout may fire up to a millisecond early by rounding: never early (P5).
    const timer = setTimeout(run, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};

/** The operating system's randomness. */
export const nodeRandom: Random = { fill: (bytes) => void randomFillSync(bytes) };

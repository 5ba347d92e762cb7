import { setFlagsFromString } from "node:v8";

/**
 * Four of V8's guesses that do not fit a server which does one thing all day.
 *
 * While the process is cold, requests outlive a collection or two, and V8 concludes that the places which make them make old
 * objects: from then on some are born in the old generation, die there at once, and hold all they refer to (request, answer,
 * headers, about 2 KB) through every collection of the young generation: scavenges of 5–15 ms instead of 0.6 ms, for good, because
 * what is held so looks long-lived again. Whether it happens is luck of the first second. Nothing here is made in numbers and
 * lives long (jobs are in typed arrays), so the guess is turned off.
 *
 * A job's way through the engine is some hundred calls of small functions (a column of a row, a field of a message). V8 puts at most
 * 920 bytes of their code into one function and calls the rest: with 2,000 the engine takes a sixth less time a job
 * (`packages/engine/bench/cycle.ts`); with 4,000 nothing more is gained and the first seconds are slower.
 *
 * The Go runtime in the raft core begins with loops that run once and look hot. V8 optimizes them in the background, a third of a second
 * of processor time while the server wants to start. With ten times its budget it leaves them alone; what every entry needs is
 * optimized soon enough.
 *
 * Young objects are collected by one thread: with all processors busy, several wait for one another as long as a time slice (the longest
 * of 35 collections took 9–21 ms, with one thread 3–12 ms).
 */
export function tuneV8(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=2000");
  setFlagsFromString("--wasm-tiering-budget=18000000");
  setFlagsFromString("--no-parallel-scavenge");
}

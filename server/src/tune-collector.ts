import { setFlagsFromString } from "node:v8";

/**
 * While the process is cold, requests outlive a collection or two, and V8 concludes that the places which make them make old
 * objects: from then on some are born in the old generation, die there at once, and hold all they refer to (request, answer,
 * headers, about 2 KB) through every collection of the young generation: scavenges of 5–15 ms instead of 0.6 ms, for good, because
 * what is held so looks long-lived again. Whether it happens is luck of the first second. Nothing here is made in numbers and
 * lives long (jobs are in typed arrays), so the guess is turned off.
 */
export function tuneCollector(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}

import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { EnqueueBatchRequestReader, EnqueueRequestReader, LifecycleStreamRequestReader, StepRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { Verb } from "@corvo/protocol";
import { dependenciesToLookUp } from "./dependencies.js";
import type { State } from "./state.js";

const one = new EnqueueRequestReader();
const batch = new EnqueueBatchRequestReader();
const frame = new LifecycleStreamRequestReader();
const step = new StepRequestReader();
const archived = new ArchivedJobReader();

/** See `Engine.dependencies`. */
export function requestDependencies(s: State, verb: number, body: Uint8Array): number[] | undefined {
  if ((verb !== Verb.ENQUEUE && verb !== Verb.ENQUEUE_BATCH && verb !== Verb.LIFECYCLE && verb !== Verb.STEP) || !hasTag(body)) return undefined;
  const seqs = new Set<number>();
  let dependent = false;
  const look = (start: number, end: number): void => {
    one.read(body, start, end);
    if (one.dependsOnCount === 0) return;
    dependent = true;
    dependenciesToLookUp(s, one, seqs);
  };
  try {
    if (verb === Verb.ENQUEUE) look(0, body.length);
    else if (verb === Verb.ENQUEUE_BATCH) {
      batch.read(body, 0, body.length);
      for (let i = 0; i < batch.jobsCount; i++) look(batch.jobsStart[i], batch.jobsEnd[i]);
    } else if (verb === Verb.STEP) {
      step.read(body, 0, body.length);
      for (let i = 0; i < step.jobsCount; i++) look(step.jobsStart[i], step.jobsEnd[i]);
    } else {
      frame.read(body, 0, body.length);
      for (let i = 0; i < frame.enqueuesCount; i++) look(frame.enqueuesStart[i], frame.enqueuesEnd[i]);
    }
  } catch {
    return undefined; // apply refuses it
  }
  return dependent ? [...seqs] : undefined;
}

/** See `Engine.dependenciesOfRecord`. */
export function recordDependencies(s: State, record: Uint8Array): number[] {
  const r = archived.read(record, 0, record.length);
  const seqs = new Set<number>();
  dependenciesToLookUp(s, one.read(record, r.requestStart, r.requestEnd), seqs);
  return [...seqs];
}

/** Do the bytes of `repeated string depends_on = 120`'s tag occur? Elsewhere (in a payload) they cost a second look. */
function hasTag(body: Uint8Array): boolean {
  for (let at = body.indexOf(0xc2); at !== -1 && at + 1 < body.length; at = body.indexOf(0xc2, at + 1)) if (body[at + 1] === 0x07) return true;
  return false;
}

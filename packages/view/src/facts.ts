import { JobDocumentReader, JobFailureReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { errorCause, errorWords } from "@corvo/protocol";

const request = new EnqueueRequestReader();
const document = new JobDocumentReader();
const failure = new JobFailureReader();
const emptyObject = Buffer.from("{}");
/** Text of errors that can be searched, per job. */
const errorCharsMax = 64 * 1024;

/** What a job's request says that can be searched. One is reused. */
const asked = {
  priority: 2,
  maxRetries: 3,
  payload: emptyObject as Buffer,
  tags: null as string | null,
  uniqueKey: null as string | null,
  parent: null as string | null,
  chain: null as string | null,
  chainStep: null as number | null,
  batch: null as string | null,
};

export function factsOfRequest(bytes: Buffer, start: number, end: number): typeof asked {
  const r = request.read(bytes, start, end);
  asked.priority = priorityOf(bytes, r.priorityStart, r.priorityEnd);
  asked.maxRetries = r.hasMaxRetries ? r.maxRetries : 3;
  asked.payload = r.payloadJsonEnd > r.payloadJsonStart ? bytes.subarray(r.payloadJsonStart, r.payloadJsonEnd) : emptyObject;
  asked.tags = textOrNull(bytes, r.tagsJsonStart, r.tagsJsonEnd);
  asked.uniqueKey = textOrNull(bytes, r.uniqueKeyStart, r.uniqueKeyEnd);
  asked.parent = textOrNull(bytes, r.parentIdStart, r.parentIdEnd);
  asked.batch = textOrNull(bytes, r.batchIdStart, r.batchIdEnd);
  asked.chain = textOrNull(bytes, r.chainIdStart, r.chainIdEnd);
  asked.chainStep = r.hasChainStep ? r.chainStep : null;
  return asked;
}

function priorityOf(bytes: Buffer, start: number, end: number): number {
  if (end === start) return 2;
  const word = bytes.toString("latin1", start, end);
  return word === "critical" ? 0 : word === "high" ? 1 : 2;
}

function textOrNull(bytes: Buffer, start: number, end: number): string | null {
  return end > start ? bytes.toString("utf8", start, end) : null;
}

/** Errors of a job, one a line, and the group of the last one. */
export function factsOfDocument(bytes: Buffer, start: number, end: number, queue: string): { cause: string | null; errors: string | null } {
  const d = document.read(bytes, start, end);
  if (d.failuresCount === 0) return nothing;
  let errors = "";
  let last = "";
  for (let i = 0; i < d.failuresCount; i++) {
    const f = failure.read(bytes, d.failuresStart[i], d.failuresEnd[i]);
    last = bytes.toString("utf8", f.errorStart, f.errorEnd);
    if (errors.length < errorCharsMax) errors = errors === "" ? last : `${errors}\n${last}`;
  }
  return { cause: errorCause(queue, errorWords(last)), errors };
}

const nothing = { cause: null, errors: null };

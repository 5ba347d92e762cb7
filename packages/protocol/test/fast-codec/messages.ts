import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { Reader, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import * as jobFast from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { file_corvo_internal_v1_job } from "@corvo/gen/corvo/internal/v1/job_pb.js";
import * as logFast from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { file_corvo_internal_v1_log } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import * as jobApiFast from "@corvo/gen/corvo/v1/job_fast.js";
import { file_corvo_v1_job } from "@corvo/gen/corvo/v1/job_pb.js";
import * as queueFast from "@corvo/gen/corvo/v1/queue_fast.js";
import { file_corvo_v1_queue } from "@corvo/gen/corvo/v1/queue_pb.js";
import * as workerFast from "@corvo/gen/corvo/v1/worker_fast.js";
import { file_corvo_v1_worker } from "@corvo/gen/corvo/v1/worker_pb.js";
import * as timestampFast from "@corvo/gen/google/protobuf/timestamp_fast.js";

/** Members of a reader by name: `queueStart`, `hasAgent`, `jobsCount` … */
export type AnyReader = Reader & { read(buf: Uint8Array, start?: number, end?: number): AnyReader } & Record<string, unknown>;

export interface FastMessage {
  desc: DescMessage;
  newReader: () => AnyReader;
  encode: (w: Writer, init: Record<string, unknown>) => void;
}

type Exports = Record<string, unknown>;
const sources: [DescFile, Exports][] = [
  [file_corvo_v1_worker, workerFast],
  [file_corvo_v1_job, jobApiFast],
  [file_corvo_v1_queue, queueFast],
  [file_corvo_internal_v1_job, jobFast],
  [file_corvo_internal_v1_log, logFast],
];
export const files = sources.map(([file]) => file);

/** Everything with generated fast code, by type name: what asked for it and what that holds. */
export const fastMessages = new Map<string, FastMessage>();
for (const [file, code] of sources) for (const desc of file.messages) add(desc, code);

function add(desc: DescMessage, code: Exports): void {
  if (fastMessages.has(desc.typeName) || !(`${desc.name}Reader` in code)) return;
  const ReaderClass = code[`${desc.name}Reader`] as new () => AnyReader;
  fastMessages.set(desc.typeName, { desc, newReader: () => new ReaderClass(), encode: code[`encode${desc.name}`] as FastMessage["encode"] });
  for (const field of desc.fields) if (field.message?.typeName === "google.protobuf.Timestamp") add(field.message, timestampFast);
}

export function fast(desc: DescMessage): FastMessage {
  const found = fastMessages.get(desc.typeName);
  if (found === undefined) throw new Error(`${desc.typeName} has no fast code`);
  return found;
}

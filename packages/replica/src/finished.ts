import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { encodeFinishedJobCommand, type FinishedJobFactInit } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { commandFlags } from "@corvo/protocol";
import type { ArchivePlace, ArchiveStore } from "@corvo/storage";
import type { CommandInput } from "./turn.js";

/** A finished job as the archive has it. */
export interface FinishedJob {
  place: ArchivePlace;
  /** A corvo.internal.v1.ArchivedJob. */
  bytes: Uint8Array;
}

/** Looks finished jobs up by their creation sequence. */
export interface FinishedJobs {
  find(seq: number): Promise<FinishedJob | undefined>;
}

export function finishedJobs(archive: ArchiveStore): FinishedJobs {
  return { find: (seq) => archive.find(seq) };
}

const archived = new ArchivedJobReader();

/** What the archive says about jobs that are not live and that others depend on. */
export async function finishedFacts(jobs: FinishedJobs, seqs: readonly number[]): Promise<FinishedFact[]> {
  return await Promise.all(
    seqs.map(async (seq): Promise<FinishedFact> => {
      const found = await jobs.find(seq);
      if (!found) return { seq };
      const r = archived.read(found.bytes, 0, found.bytes.length);
      return { seq, state: r.state, createdMs: r.createdMs, queue: found.bytes.slice(r.queueStart, r.queueEnd), ...found.place };
    }),
  );
}

/** A corvo.internal.v1.FinishedJobFact. */
export type FinishedFact = FinishedJobFactInit & { seq: number };

/**
 * The request together with the archived record, so that apply never touches a disk. Without a record it says that the leader looked
 * and that there is none.
 */
export function finishedCommand(command: CommandInput, found: FinishedJob | undefined, others: readonly FinishedFact[] = []): CommandInput {
  const w = new Writer((found?.bytes.length ?? 0) + command.body.length + 64);
  const { segment, offset } = found?.place ?? {};
  encodeFinishedJobCommand(w, { request: command.body, archivedJob: found?.bytes, segment, offset, others });
  return { ...command, flags: command.flags | commandFlags.finishedJob, body: w.copy() };
}

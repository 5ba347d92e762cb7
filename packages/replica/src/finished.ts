import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeFinishedJobCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
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

/**
 * The request together with the archived record, so that apply never touches a disk. Without a record it says that the leader looked
 * and that there is none.
 */
export function finishedCommand(command: CommandInput, found: FinishedJob | undefined): CommandInput {
  const w = new Writer((found?.bytes.length ?? 0) + command.body.length + 64);
  encodeFinishedJobCommand(w, { request: command.body, archivedJob: found?.bytes, segment: found?.place.segment, offset: found?.place.offset });
  return { ...command, flags: command.flags | commandFlags.finishedJob, body: w.copy() };
}

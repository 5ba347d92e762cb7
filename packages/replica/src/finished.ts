import { finishedJobBody, flagFinished } from "@corvo/protocol";
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

/** The request together with the archived record, so that apply never touches a disk. */
export function finishedCommand(command: CommandInput, found: FinishedJob): CommandInput {
  return { ...command, flags: command.flags | flagFinished, body: finishedJobBody(command.body, found.bytes, found.place.segment, found.place.offset) };
}

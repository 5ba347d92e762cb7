import { CancelJobRequestReader } from "@corvo/gen/corvo/v1/job_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { archivedState } from "./archived.js";
import { archiveAgain, type Command, textOf } from "./command.js";
import { notFound, type State } from "./state.js";

/** All requests that name one job have its id in field 1. */
const reader = new CancelJobRequestReader();

/** The job that a command of the JobService names. */
export class NamedJob {
  /** Its row; below 0: it is not live. */
  row = -1;
  /** Number of its state. */
  state = 0;
  private c: Command | undefined;

  /** Finds it, live or in the record that came along. What comes back is why that is not possible. */
  find(s: State, c: Command): Refusal | undefined {
    this.c = c;
    reader.read(c.buf, c.start, c.end);
    if (reader.jobIdEnd === reader.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
    this.row = s.find(c.buf, reader.jobIdStart, reader.jobIdEnd);
    if (this.row >= 0) {
      this.state = s.jobs.state(this.row);
      // The leader saw it finished and it runs again: what travels in the command is of the past, but nobody needs it.
      return undefined;
    }
    this.state = this.row === notFound ? 0 : archivedState(s, c);
    if (this.state < 0) return archiveAgain;
    return undefined;
  }

  get id(): string {
    return textOf(this.c!.buf, reader.jobIdStart, reader.jobIdEnd);
  }
}

export const job = new NamedJob();

/** `job "<id>" not found`. */
export function noSuchJob(): Refusal {
  return refuse("not_found", "NOT_FOUND", `job "${job.id}" not found`);
}

export function wrongState(message: string): Refusal {
  return refuse("failed_precondition", "WRONG_STATE", message);
}

/** Corvo has one text for both cases of hold, approve and reject. */
export function cannotBe(done: string): Refusal {
  const message = `job "${job.id}" not found or cannot be ${done} from current state`;
  return job.state === 0 ? refuse("not_found", "NOT_FOUND", message) : wrongState(message);
}

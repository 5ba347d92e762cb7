import type { RunningProgram } from "../programs.js";

/** What `corvo run` was asked for. */
export interface RunPlan {
  program: readonly string[];
  queues: readonly string[];
  concurrency: number;
  leaseSeconds: number;
  shutdownMs: number;
  /** Jobs after which it ends. */
  limit: number;
  workerId: string;
  hostname: string;
}

/** A job in hand. */
export interface RunningJob {
  id: string;
  queue: string;
  fence: string;
  program: RunningProgram;
  startedMs: number;
  /** It is somebody else's, or nobody's: the server is told nothing. */
  lost: boolean;
  /** The time to finish is over: it goes back. */
  givenUp: boolean;
}

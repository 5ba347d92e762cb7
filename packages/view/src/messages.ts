import type { JobFilter } from "./filter.js";
import type { PageWish, Selection } from "./search.js";
import type { Fed } from "./store.js";

/** What the writing thread is told. */
export type ToWriter =
  /** Opens a file, or makes it when `fresh`. Answered by `opened`. */
  | { type: "open"; path: string; fresh: boolean; owner: string }
  /** Answered by `applied`. */
  | { type: "apply"; parts: Fed[] }
  /** The first interval of a fresh file is in. Answered by `ready`. */
  | { type: "ready" }
  /** Answered by `closed`. */
  | { type: "close"; clean: boolean };

export type FromWriter =
  /** `fault`: why the file cannot be used; it is closed again. */
  | { type: "opened"; index: number; fault: string | undefined }
  | { type: "applied"; index: number | undefined; buffers: ArrayBuffer[] }
  | { type: "ready" }
  | { type: "closed" }
  | { type: "failed"; error: string };

/** What a reading thread is asked. */
export type Question =
  | { ask: "page"; wish: PageWish }
  | { ask: "select"; filter: JobFilter; max: number }
  | { ask: "fulltext"; q: string; limit: number; onlyQueues: readonly string[] | undefined }
  | { ask: "digest" };

export type ToReader = { type: "open"; path: string } | { type: "ask"; id: number; question: Question; timeMs: number };

export type FromReader =
  | { type: "answer"; id: number; bytes: Uint8Array | undefined; selection: Selection | undefined; text: string | undefined }
  | { type: "refused"; id: number; why: "slow" | "condition" | "failed"; error: string };

import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import { viewDigest } from "./digest.js";
import { BadCondition } from "./jq.js";
import type { FromReader, FromWriter, Question, ToReader, ToWriter } from "./messages.js";
import { type Db, fact, schemaVersion, setFact } from "./schema.js";
import { Searcher, type Selection, TooSlow } from "./search.js";
import { ViewStore } from "./store.js";

/** Above this many rows in one interval of 100 ms the node is busy: the words of 10,000 jobs a second would take a tenth of a core. */
const calmRowsMax = 1000;
/** A busy node's words are indexed when nothing was written for so long. Longer than its intervals. */
const calmMs = 1000;

/**
 * Of the threads that write and read the view: whoever answers clients goes first when there are fewer cores than work. 0 is usual, 19 last;
 * 2 has two thirds of the weight of 0, enough to keep up (`npm run bench -- --only "read view on"`: 67k jobs/s, 1.1 s behind at most).
 */
const niceness = 2;

const port = parentPort!;
if (process.platform === "linux") setPriority(niceness); // of this thread; elsewhere it would be the whole process's
if ((workerData as { role: string }).role === "writer") write();
else read();

/** Takes what the engine says and writes it down. While nothing comes, words are indexed. */
function write(): void {
  const send = (message: FromWriter, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let store: ViewStore | undefined;
  let indexing = false;
  let calm: NodeJS.Timeout | undefined;
  let writtenBefore = 0;
  const indexWords = (): void => {
    indexing = store !== undefined && (store.indexWords(100) || store.tidy());
    if (indexing) setImmediate(indexWords);
  };
  /** Words take processor time from those who work: while many jobs come they wait, each time anew. */
  const indexWordsSoon = (): void => {
    const rows = store!.written - writtenBefore;
    writtenBefore = store!.written;
    clearTimeout(calm);
    calm = undefined;
    if (indexing) return;
    if (rows <= calmRowsMax) indexWords();
    else calm = setTimeout(indexWords, calmMs);
  };
  let loading = false;
  port.on("message", (message: ToWriter) => {
    try {
      switch (message.type) {
        case "open": {
          loading = message.fresh;
          const opened = message.fresh ? make(message.path, message.owner) : open(message.path, message.owner);
          store = typeof opened === "string" ? undefined : opened;
          return send({ type: "opened", index: store?.index ?? 0, fault: typeof opened === "string" ? opened : undefined });
        }
        case "apply": {
          if (store === undefined) throw new Error("the view is not open");
          const index = store.apply(message.parts);
          const buffers = message.parts.map((part) => part.buffer);
          send({ type: "applied", index, buffers }, buffers);
          if (index !== undefined && !loading) indexWordsSoon();
          return;
        }
        case "ready":
          store?.ready();
          loading = false;
          return send({ type: "ready" });
        case "close":
          clearTimeout(calm);
          store?.close(message.clean);
          store = undefined;
          writtenBefore = 0;
          return send({ type: "closed" });
      }
    } catch (cause) {
      send({ type: "failed", error: (cause as Error).message });
    }
  });
}

function make(path: string, owner: string): ViewStore {
  const db = new Database(path);
  const store = ViewStore.make(db);
  db.prepare("INSERT INTO facts VALUES('owner', ?)").run(owner);
  return store;
}

/** A sentence when the file cannot be relied on. */
function open(path: string, owner: string): ViewStore | string {
  let db: Db | undefined;
  const no = (why: string): string => {
    db?.close();
    return why;
  };
  try {
    db = new Database(path, { fileMustExist: true });
    if (fact(db, "schema") !== schemaVersion) return no("it is of another version");
    if (db.prepare("SELECT value FROM facts WHERE name = 'owner'").pluck().get() !== owner) return no("it belongs to another data directory");
    if (fact(db, "clean") !== 1) return no("the last stop was not a clean one");
    const check = db.pragma("quick_check(1)", { simple: true });
    if (check !== "ok") return no(`it is damaged: ${String(check)}`);
    setFact(db, "clean", 0);
    return ViewStore.open(db);
  } catch (cause) {
    return no((cause as Error).message);
  }
}

/** Answers questions from the file, one at a time. */
function read(): void {
  const nowMs = (): number => performance.now();
  let db: Db | undefined;
  let searcher: Searcher | undefined;
  port.on("message", (message: ToReader) => {
    if (message.type === "open") {
      db?.close();
      db = new Database(message.path, { readonly: true, fileMustExist: true });
      db.pragma("cache_size = -32768");
      searcher = new Searcher(db, nowMs);
      return;
    }
    const answer = { type: "answer" as const, id: message.id, bytes: undefined, selection: undefined, text: undefined };
    try {
      const found = ask(message.question, nowMs() + message.timeMs);
      if (typeof found === "string") port.postMessage({ ...answer, text: found } satisfies FromReader);
      else if (found instanceof Uint8Array) port.postMessage({ ...answer, bytes: found } satisfies FromReader, [found.buffer as ArrayBuffer]);
      else port.postMessage({ ...answer, selection: found } satisfies FromReader, [found.seqs.buffer as ArrayBuffer, found.created.buffer as ArrayBuffer]);
    } catch (cause) {
      const why = cause instanceof TooSlow ? "slow" : cause instanceof BadCondition ? "condition" : "failed";
      port.postMessage({ type: "refused", id: message.id, why, error: (cause as Error).message } satisfies FromReader);
    }
  });
  const ask = (question: Question, deadlineMs: number): Uint8Array | Selection | string => {
    if (db === undefined || searcher === undefined) throw new Error("the view is not open");
    switch (question.ask) {
      case "page":
        return searcher.page(question.wish, deadlineMs);
      case "select":
        return searcher.select(question.filter, question.max, deadlineMs);
      case "fulltext":
        return searcher.fulltext(question.q, question.limit, question.onlyQueues, deadlineMs);
      default:
        return viewDigest(db);
    }
  };
}

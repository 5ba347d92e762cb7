import { Worker } from "node:worker_threads";
import { BadCondition } from "./jq.js";
import type { FromReader, Question, ToReader } from "./messages.js";
import { TooSlow } from "./search.js";

/** Two: a search that scans everything must not keep a page of a list waiting. */
const threads = 2;
/** Questions that may wait for one thread. */
const waitingMax = 64;
/** A thread that has not answered this long after its question's time was over is ended. */
const graceMs = 2_000;

/** What a thread runs: one bundled file (server/build.mjs), also when this is run from its sources by a test. */
export const threadUrl = new URL("../dist/worker.mjs", import.meta.url);

/** Too many questions wait. */
export class ViewOverloaded extends Error {}

type Answer = Extract<FromReader, { type: "answer" }>;

interface Asked {
  resolve(answer: Answer): void;
  reject(cause: Error): void;
  timer: NodeJS.Timeout | undefined;
}

interface Reader {
  worker: Worker;
  asked: Map<number, Asked>;
}

/** Threads that answer questions; started with the first one. */
export class Readers {
  private path = "";
  private readonly readers: (Reader | undefined)[] = new Array<undefined>(threads).fill(undefined);
  private lastId = 0;
  private stopped = false;

  /** From now on questions are answered from this file. */
  use(path: string): void {
    this.path = path;
    for (const reader of this.readers) reader?.worker.postMessage({ type: "open", path } satisfies ToReader);
  }

  ask(question: Question, timeMs: number): Promise<Answer> {
    if (this.stopped) return Promise.reject(new ViewOverloaded("the server is stopping"));
    const reader = this.leastBusy();
    if (reader.asked.size >= waitingMax) return Promise.reject(new ViewOverloaded(`${reader.asked.size} searches wait already`));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const one: Asked = { resolve, reject, timer: undefined };
      one.timer = setTimeout(() => this.giveUp(reader), timeMs * (reader.asked.size + 1) + graceMs);
      reader.asked.set(id, one);
      reader.worker.postMessage({ type: "ask", id, question, timeMs } satisfies ToReader);
    });
  }

  private leastBusy(): Reader {
    let best = 0;
    for (let i = 0; i < threads; i++) {
      const reader = this.readers[i];
      if (reader === undefined) {
        if (i === 0 || this.readers[best]!.asked.size > 0) return this.start(i);
        break;
      }
      if (reader.asked.size < this.readers[best]!.asked.size) best = i;
    }
    return this.readers[best]!;
  }

  private start(at: number): Reader {
    const worker = new Worker(threadUrl, { workerData: { role: "reader" } });
    const reader: Reader = { worker, asked: new Map() };
    this.readers[at] = reader;
    worker.unref();
    worker.on("message", (message: FromReader) => {
      const one = reader.asked.get(message.id);
      if (one === undefined) return;
      reader.asked.delete(message.id);
      clearTimeout(one.timer);
      if (message.type === "answer") one.resolve(message);
      else
        one.reject(
          message.why === "slow" ? new TooSlow(message.error) : message.why === "condition" ? new BadCondition(message.error) : new Error(message.error),
        );
    });
    worker.on("error", (cause) => this.end(reader, cause));
    worker.postMessage({ type: "open", path: this.path } satisfies ToReader);
    return reader;
  }

  private giveUp(reader: Reader): void {
    void reader.worker.terminate();
    this.end(reader, new TooSlow("the search took too long"));
  }

  private end(reader: Reader, cause: Error): void {
    const at = this.readers.indexOf(reader);
    if (at >= 0) this.readers[at] = undefined;
    for (const one of reader.asked.values()) {
      clearTimeout(one.timer);
      one.reject(cause);
    }
    reader.asked.clear();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    const reason = new ViewOverloaded("the server is stopping");
    for (const reader of this.readers.filter((one) => one !== undefined)) {
      this.end(reader, reason);
      await reader.worker.terminate();
    }
  }
}

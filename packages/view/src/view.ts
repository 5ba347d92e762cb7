import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { ArchivePlace, Engine, ViewFeed } from "@corvo/engine";
import { failpoint } from "@corvo/protocol";
import type { JobFilter } from "./filter.js";
import type { FromWriter, Question, ToWriter } from "./messages.js";
import { Readers, threadUrl } from "./readers.js";
import type { PageWish, Selection } from "./search.js";

export interface ViewOptions {
  engine: Engine;
  /** Reads finished jobs in the order in which they ended. */
  records(from: ArchivePlace, to: ArchivePlace): AsyncIterable<{ place: ArchivePlace; bytes: Uint8Array }>;
  /** Everything in it may be deleted at any time while the server is stopped. */
  directory: string;
  /** Whose data it is: a view of other data is not used. */
  owner: string;
  /** Index of the state from which the log was replayed: what changed since was told to the feed. */
  restoredIndex: number;
  /**
   * Milliseconds for which changes gather. 100: less than a person notices, enough for most jobs to be written once. Longer ones save
   * little and cost much: what comes right after an interval began waits for that one, the pause, and the next one.
   */
  intervalMs: number;
  /** Says what happened, for the log. */
  tell(what: string, facts: Record<string, unknown>): void;
}

/** There is no view to answer from now; try again later. */
export class ViewUnavailable extends Error {}

/** Bytes of one message to the writing thread: some thousand jobs, one transaction. */
const messageBytes = 512 * 1024;
/** SQLite's files may be read by everybody who gets at them: payloads are not everybody's. */
const directoryMode = 0o750;
/** After a write failed the view is made anew, this much later. */
const againMs = 10_000;

/**
 * The read view as the server sees it: feeds the writing thread, one message at a time, and asks the reading ones. While the writer is
 * behind, changes gather in the engine's feed, coalesced; nothing is dropped.
 *
 * Watermarks: index (the view has seen it) ≤ engine.appliedIndex.
 */
export class View {
  /** Log index that the view has seen. */
  index = 0;
  /** Why the view was made anew when it was opened or since; empty: it was taken up as it was. */
  rebuiltBecause = "";
  private readonly feed: ViewFeed;
  private readonly writer: Worker;
  private readonly readers = new Readers();
  private number = 0;
  /** Of those who asked the writing thread, in order. */
  private answers: ((message: FromWriter) => void)[] = [];
  /** Why the writing thread is no more. */
  private ended: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private hurried = false;
  private stopping = false;
  private failed = false;
  /** A view can be asked. */
  private open = false;
  private waiting: { index: number; done: (seen: boolean) => void }[] = [];
  private rebuilding: Promise<{ durationMs: number }> | undefined;

  private constructor(private readonly options: ViewOptions) {
    const { feed } = options.engine;
    if (feed === undefined) throw new Error("the engine was built without a feed");
    this.feed = feed;
    this.writer = new Worker(threadUrl, { workerData: { role: "writer" } });
    this.writer.on("message", (message: FromWriter) => this.answers.shift()?.(message));
    const ended = (error: string): void => {
      this.ended = error;
      for (const answer of this.answers.splice(0)) answer({ type: "failed", error });
    };
    this.writer.on("error", (cause) => ended(cause.message));
    this.writer.on("exit", () => ended("the view's thread has ended"));
  }

  /** Takes up the view in the directory, or begins a new one when there is none or any doubt about it. Does not wait for it to be filled. */
  static async open(options: ViewOptions): Promise<View> {
    const view = new View(options);
    mkdirSync(options.directory, { recursive: true, mode: directoryMode });
    chmodSync(options.directory, directoryMode); // older versions made it readable for everybody
    const files = viewFiles(options.directory);
    view.number = files[0]?.number ?? 0;
    const fault = files.length === 0 ? "there was none" : await view.takeUp(files[0].path);
    if (fault === undefined) {
      view.timer = setTimeout(() => view.run(), 0);
      return view;
    }
    view.rebuiltBecause = fault;
    if (files.length > 0) options.tell("the read view is made anew", { reason: fault });
    void view.rebuild().catch((cause: unknown) => options.tell("the read view could not be made", { error: (cause as Error).message }));
    return view;
  }

  private async takeUp(path: string): Promise<string | undefined> {
    const { engine, owner, restoredIndex } = this.options;
    const opened = await this.tellWriter({ type: "open", path, fresh: false, owner });
    if (opened.type !== "opened") return opened.type === "failed" ? opened.error : "it does not answer";
    if (opened.fault !== undefined) return opened.fault;
    const unfit = opened.index < restoredIndex ? "it is older than the snapshot" : opened.index > engine.appliedIndex ? "it is ahead of the log" : undefined;
    if (unfit !== undefined) {
      await this.tellWriter({ type: "close", clean: false });
      return unfit;
    }
    this.index = opened.index;
    this.readers.use(path);
    this.open = true;
    return undefined;
  }

  /** An entry was applied. */
  changed(): void {
    if (this.timer !== undefined || this.running !== undefined || this.stopping || this.failed || this.rebuilding !== undefined) return;
    this.timer = setTimeout(() => this.run(), this.options.intervalMs);
  }

  /** It cannot be asked yet, but soon. */
  get opening(): boolean {
    return !this.open && !this.failed;
  }
  /** Entries that the view has not seen. */
  get lag(): number {
    return Math.max(0, this.options.engine.appliedIndex - this.index);
  }
  /** Changes that wait in memory. */
  get backlog(): number {
    return this.feed.waiting;
  }

  private run(): void {
    // While it has failed the timer is the one that makes it anew.
    if (this.running !== undefined || this.stopping || this.failed || this.rebuilding !== undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running = this.sendAll()
      .catch((cause: unknown) => this.broke(cause as Error))
      .finally(() => {
        this.running = undefined;
        const more = this.options.engine.appliedIndex > this.index;
        if (more && this.hurried) this.run();
        else if (more) this.changed();
      });
  }

  /** One interval, to its end. */
  private async sendAll(): Promise<void> {
    this.hurried = false;
    this.feed.begin();
    await this.sendInterval();
  }

  /** While the writer works on a message the next one is on its way: this thread may be slow to answer. */
  private async sendInterval(): Promise<void> {
    const { feed } = this;
    let before: Promise<void> | undefined;
    for (;;) {
      const range = feed.archiveRange;
      if (range !== undefined) {
        await this.sendArchived(range.from, range.to);
        feed.archiveDone();
      }
      const { chunks, done } = feed.pack(messageBytes);
      if (chunks.length > 0) {
        const sent = this.apply(chunks);
        sent.catch(() => {}); // whoever waits for it is told
        await before;
        before = sent;
      }
      if (done) return before;
    }
  }

  private async sendArchived(from: ArchivePlace, to: ArchivePlace): Promise<void> {
    let chunks: Parameters<ViewFeed["packArchived"]>[0] = [];
    for await (const { place, bytes } of this.options.records(from, to)) {
      this.feed.packArchived(chunks, place, bytes);
      if (chunks.length < 3) continue;
      await this.apply(chunks);
      chunks = [];
    }
    if (chunks.length > 0) await this.apply(chunks);
  }

  private async apply(chunks: readonly { buffer: ArrayBuffer; used: number }[]): Promise<void> {
    const parts = chunks.map(({ buffer, used }) => ({ buffer, used }));
    const applied = await this.tellWriter(
      { type: "apply", parts },
      parts.map((part) => part.buffer),
    );
    if (applied.type !== "applied") throw new Error(applied.type === "failed" ? applied.error : "the view's thread is confused");
    for (const buffer of applied.buffers) this.feed.recycle(buffer);
    if (applied.index === undefined) return;
    if (this.rebuilding === undefined) this.seen(applied.index);
  }

  private seen(index: number): void {
    this.index = index;
    if (this.waiting.length === 0) return;
    const waiting = this.waiting;
    this.waiting = waiting.filter((one) => one.index > index);
    for (const one of waiting) if (one.index <= index) one.done(true);
  }

  private tellWriter(message: ToWriter, transfer: ArrayBuffer[] = []): Promise<FromWriter> {
    if (this.ended !== undefined) return Promise.resolve({ type: "failed", error: this.ended });
    return new Promise((resolve) => {
      this.answers.push(resolve);
      this.writer.postMessage(message, transfer);
    });
  }

  /** A write failed: the file is not what it should be. Nothing but the view is harmed; it is made anew. */
  private broke(cause: Error): void {
    if (this.stopping) return;
    this.failed = true;
    this.open = false;
    this.feed.drop();
    this.options.tell("the read view cannot be written; it will be made anew", { error: cause.message });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.failed = false;
      this.rebuild().catch((again: Error) => this.broke(again));
    }, againMs);
  }

  /** Resolves true when the view has seen this index, false after `waitMs`. */
  whenSeen(index: number, waitMs: number): Promise<boolean> {
    if (this.index >= index) return Promise.resolve(true);
    this.hurried = true;
    if (this.running === undefined) this.run();
    return new Promise((resolve) => {
      const one = {
        index,
        done: (seen: boolean) => {
          clearTimeout(timer);
          resolve(seen);
        },
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== one);
        resolve(false);
      }, waitMs);
      this.waiting.push(one);
    });
  }

  /** A page as SearchJobsResponse in protobuf. */
  async page(wish: PageWish, timeMs: number): Promise<Uint8Array> {
    return (await this.ask({ ask: "page", wish }, timeMs)).bytes!;
  }
  /** A SearchFulltextResponse in protobuf. */
  async fulltext(q: string, limit: number, onlyQueues: readonly string[] | undefined, timeMs: number): Promise<Uint8Array> {
    return (await this.ask({ ask: "fulltext", q, limit, onlyQueues }, timeMs)).bytes!;
  }
  /** Every job that matches, up to `max`. */
  async select(filter: JobFilter, max: number, timeMs: number): Promise<Selection> {
    return (await this.ask({ ask: "select", filter, max }, timeMs)).selection!;
  }
  /** Hash of all that is in it. */
  async digest(): Promise<string> {
    return (await this.ask({ ask: "digest" }, 600_000)).text!;
  }

  private async ask(question: Question, timeMs: number) {
    if (!this.open) throw new ViewUnavailable(this.failed ? "the read view cannot be written now" : "the read view is being made");
    return this.readers.ask(question, timeMs);
  }

  /** Makes the view anew from engine and archive; the old one answers until the new one is whole. */
  rebuild(): Promise<{ durationMs: number }> {
    this.rebuilding ??= this.makeNew().finally(() => {
      this.rebuilding = undefined;
      this.changed();
    });
    return this.rebuilding;
  }

  private async makeNew(): Promise<{ durationMs: number }> {
    const startMs = performance.now();
    const { directory, owner } = this.options;
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.running;
    await this.tellWriter({ type: "close", clean: false });
    const old = viewFiles(directory);
    this.number = Math.max(this.number, old[0]?.number ?? 0) + 1;
    const path = join(directory, `view-${this.number}.sqlite`);
    const opened = await this.tellWriter({ type: "open", path, fresh: true, owner });
    if (opened.type !== "opened" || opened.fault !== undefined) throw new Error(opened.type === "failed" ? opened.error : "the file cannot be made");
    failpoint("view-opened");
    const index = this.options.engine.appliedIndex;
    this.feed.beginAll();
    await this.sendInterval();
    failpoint("view-filled");
    const ready = await this.tellWriter({ type: "ready" });
    if (ready.type !== "ready") throw new Error(ready.type === "failed" ? ready.error : "the view's thread is confused");
    this.readers.use(path);
    this.open = true;
    this.failed = false;
    this.seen(index);
    failpoint("view-ready");
    for (const file of old) removeView(file.path);
    return { durationMs: Math.round(performance.now() - startMs) };
  }

  /** Everything that was applied is in the file, and it says so. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.rebuilding?.catch(() => {});
    await this.running;
    let clean = this.open && !this.failed;
    try {
      if (clean && this.options.engine.appliedIndex > this.index) await this.sendAll();
    } catch (cause) {
      clean = false;
      this.options.tell("the read view could not be written to its end", { error: (cause as Error).message });
    }
    for (const one of this.waiting.splice(0)) one.done(false);
    await this.readers.stop();
    await this.tellWriter({ type: "close", clean });
    await this.writer.terminate();
  }
}

/** Newest first. */
function viewFiles(directory: string): { path: string; number: number }[] {
  return readdirSync(directory)
    .flatMap((name) => {
      const found = /^view-(\d+)\.sqlite$/.exec(name);
      return found ? [{ path: join(directory, name), number: Number(found[1]) }] : [];
    })
    .sort((a, b) => b.number - a.number);
}

function removeView(path: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
}

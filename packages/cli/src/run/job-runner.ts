import { exitCodes, Failure, ServerRefusal } from "../failure.js";
import { members, RawJson } from "../json.js";
import type { ProgramEnd } from "../programs.js";
import type { Session } from "../session.js";
import { shortDuration } from "../time.js";
import { Heartbeats, type WorkerOrder } from "./heartbeats.js";
import type { RunningJob, RunPlan } from "./plan.js";
import { retryMs, WorkerCalls, worthAnotherTry } from "./worker-calls.js";

export type { RunPlan } from "./plan.js";

/** Between two fetches when one came back with nothing, as it does from a server that is about to stop. */
const emptyMs = 50;
/** From SIGTERM to SIGKILL. */
const graceMs = 5_000;
/** After this machine could start no further program. */
const crowdedMs = 1_000;
const errorLengthMax = 2_000;
/** This machine has no room for a program now. */
const crowded = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"]);

/** A worker whose handler is a program. One fetch waits at a time and asks for as many jobs as hands are free. */
export class JobRunner {
  private readonly running = new Map<string, RunningJob>();
  /** Aborted when nothing more is to be fetched: by Ctrl-C, by an order, or because the program is gone. */
  private readonly stop = new AbortController();
  private readonly calls: WorkerCalls;
  private readonly beats: Heartbeats;
  /** Aborted when a hand came free or an order changed. */
  private bell = new AbortController();
  private order: WorkerOrder = "";
  private taken = 0;
  private givenUp = 0;
  private isCrowded = false;
  /** What ended it before its time. */
  private trouble: Failure | undefined;

  constructor(
    private readonly session: Session,
    private readonly plan: RunPlan,
  ) {
    this.calls = new WorkerCalls(session, plan, this.stop.signal);
    this.beats = new Heartbeats(session, plan, this.running, { ordered: (order) => this.obey(order), lost: (id, why) => this.lose(id, why) });
  }

  async run(): Promise<number> {
    const { session, plan } = this;
    const interruption = session.io.interruption();
    interruption.addEventListener("abort", () => this.stop.abort());
    if (interruption.aborted) this.stop.abort();
    await this.beats.first();
    if (session.output === "table") session.did(`ready: ${plan.queues.join(", ")}, ${plan.concurrency} at a time, worker ${plan.workerId}`);
    const over = new AbortController();
    const beating = this.beats.run(over.signal);
    try {
      await this.fetchAndStart();
    } finally {
      await this.finish();
      over.abort();
      await beating;
      await this.beats.leave();
    }
    if (this.trouble) throw this.trouble;
    return this.givenUp === 0 ? exitCodes.ok : exitCodes.failed;
  }

  private async fetchAndStart(): Promise<void> {
    const { session, plan } = this;
    const stop = this.stop.signal;
    for (let failures = 0; !stop.aborted && this.taken < plan.limit; ) {
      const room = this.order === "" ? Math.min(plan.concurrency - this.running.size, plan.limit - this.taken) : 0;
      if (room <= 0) {
        await this.somethingHappens(stop);
        continue;
      }
      if (this.isCrowded) await session.io.sleep(crowdedMs, stop);
      this.isCrowded = false;
      try {
        const jobs = await this.calls.fetch(room);
        if (failures > 0) session.note("connected again");
        failures = 0;
        for (const job of jobs) await this.take(job);
        if (jobs.length === 0) await session.io.sleep(emptyMs, stop);
      } catch (error) {
        // What the server refuses it would refuse again.
        if (!worthAnotherTry(error)) throw error;
        if (failures === 0) session.note(`${error.message}; trying again`);
        await session.io.sleep(retryMs(failures++), stop);
      }
    }
  }

  private async take(text: string): Promise<void> {
    const job = members(text) ?? new Map<string, string>();
    const word = (name: string): string => String(JSON.parse(job.get(name) ?? '""'));
    const [id, queue, fence] = [word("job_id"), word("queue"), job.get("fence") ?? "0"];
    if (this.stop.signal.aborted) return await this.calls.giveBack(id, fence);
    this.taken++;
    const program = await this.session.io.startProgram({
      command: this.plan.program,
      stdin: job.get("payload") ?? "{}",
      env: environmentOf(job, word),
      onStderr: (text) => this.session.io.stderr(text),
    });
    const running: RunningJob = { id, queue, fence, program, startedMs: this.session.io.nowMs(), lost: false, givenUp: false };
    this.running.set(id, running);
    void this.settle(running);
  }

  /** Waits for the program and tells the server what became of the job. Never rejects. */
  private async settle(job: RunningJob): Promise<void> {
    try {
      const end = await job.program.ended.catch((error: NodeJS.ErrnoException) => error);
      if (job.lost) return;
      if (job.givenUp) await this.calls.giveBack(job.id, job.fence);
      else if (end instanceof Error) await this.notStarted(job, end);
      else if (end.code === 0) await this.ack(job, end);
      else await this.fail(job, end);
    } catch (error) {
      this.session.note(`job ${job.id}: ${(error as Error).message}`);
    } finally {
      if (job.givenUp) this.givenUp++;
      this.running.delete(job.id);
      this.bell.abort();
    }
  }

  private async ack(job: RunningJob, end: ProgramEnd): Promise<void> {
    if (end.stdout === undefined) this.session.note(`job ${job.id}: more than 16 MiB on standard output are no result`);
    try {
      await this.calls.ack(job, resultOf(end));
      this.say(job, "completed", "");
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      const { exitCode, message } = error;
      if (exitCode === exitCodes.limit || exitCode === exitCodes.usage) await this.failWith(job, `its result was refused: ${message}`, message);
      else if (exitCode === exitCodes.wrongState || exitCode === exitCodes.notFound) this.say(job, "lost", message);
      else throw error;
    }
  }

  private async fail(job: RunningJob, end: ProgramEnd): Promise<void> {
    const how = end.code === undefined ? `ended by ${end.signal}` : `exit code ${end.code}`;
    const last = end.stderrTail.trimEnd().split("\n").at(-1)?.trim().slice(0, errorLengthMax);
    await this.failWith(job, last || how, `${how}\n${end.stderrTail}`, last ? `${how}: ${last}` : how);
  }

  private async failWith(job: RunningJob, error: string, backtrace: string, why = error): Promise<void> {
    this.say(job, await this.calls.fail(job, error, backtrace), why);
  }

  /** A program that is gone or a machine that is full is no fault of the job: it goes back, and the attempt does not count. */
  private async notStarted(job: RunningJob, error: NodeJS.ErrnoException): Promise<void> {
    const [program] = this.plan.program;
    if (error.code === "E2BIG")
      return await this.failWith(job, `${program} cannot be started: tags and checkpoint are too long for its environment`, error.message);
    if (crowded.has(error.code ?? "")) {
      this.isCrowded = true;
      this.session.note(`${program} cannot be started now: ${error.message}`);
    } else {
      this.trouble ??= new Failure(exitCodes.failed, `${program} cannot be started: ${error.message}`, { hint: "is it there, and may this user run it?" });
      this.stop.abort();
    }
    await this.calls.giveBack(job.id, job.fence);
  }

  private obey(order: WorkerOrder): void {
    if (order === this.order || this.stop.signal.aborted) return;
    this.order = order;
    if (order === "") this.session.note("resumed: jobs are fetched again");
    else if (order === "quiet") this.session.note(`quiet: nothing more is fetched until corvo worker resume ${this.plan.workerId}`);
    else {
      this.session.note("asked to stop: nothing more is fetched");
      this.stop.abort();
    }
    this.bell.abort();
  }

  private lose(id: string, why: string): void {
    const job = this.running.get(id);
    if (job === undefined || job.lost) return;
    job.lost = true;
    this.say(job, "lost", why);
    this.end(job);
  }

  /** Waits for the programs that run; those that take too long are ended, and their jobs go back. */
  private async finish(): Promise<void> {
    const { io } = this.session;
    const stop = this.stop.signal;
    const deadline = new AbortController();
    const until = (): void => {
      const [count, time] = [this.running.size, shortDuration(this.plan.shutdownMs)];
      if (count > 0 && io.stderrIsTty) this.session.note(`stopping: ${count} running, may finish within ${time}; Ctrl-C again ends them now`);
      setTimeout(() => deadline.abort(), this.plan.shutdownMs).unref();
    };
    if (stop.aborted) until();
    else stop.addEventListener("abort", until, { once: true });
    while (this.running.size > 0 && !deadline.signal.aborted) await this.somethingHappens(deadline.signal);
    for (const job of this.running.values()) {
      job.givenUp = true;
      this.end(job);
    }
    while (this.running.size > 0) await this.somethingHappens();
  }

  private end({ program }: RunningJob): void {
    program.kill("SIGTERM");
    const timer = setTimeout(() => program.kill("SIGKILL"), graceMs);
    void program.ended.catch(() => undefined).then(() => clearTimeout(timer));
  }

  private async somethingHappens(orThis?: AbortSignal): Promise<void> {
    const any = orThis === undefined ? this.bell.signal : AbortSignal.any([this.bell.signal, orThis]);
    await this.session.io.sleep(3_600_000, any);
    this.bell = new AbortController();
  }

  private say(job: RunningJob, outcome: string, why: string): void {
    const { session } = this;
    const ms = session.io.nowMs() - job.startedMs;
    if (session.output === "json" || session.output === "ndjson")
      return session.line(JSON.stringify({ job_id: job.id, queue: job.queue, outcome, ms: Math.round(ms), why: why || undefined }));
    if (session.output === "name") return session.line(job.id);
    const time = new Date(session.io.nowMs()).toISOString();
    const paint = outcome === "completed" ? session.colors.green : session.colors.red;
    const words = [session.io.stdoutIsTty ? time.slice(11, 19) : time, paint(outcome.padEnd(9)), job.id, job.queue, shortDuration(ms), why];
    session.line(words.filter((word) => word !== "").join("  "));
  }
}

/** What the program is told beside the payload; JSON stays as it came. */
function environmentOf(job: ReadonlyMap<string, string>, word: (name: string) => string): Record<string, string> {
  return {
    CORVO_JOB_ID: word("job_id"),
    CORVO_QUEUE: word("queue"),
    CORVO_ATTEMPT: job.get("attempt") ?? "1",
    CORVO_MAX_RETRIES: job.get("max_retries") ?? "",
    CORVO_FENCE: job.get("fence") ?? "",
    CORVO_TAGS: job.get("tags") ?? "",
    CORVO_CHECKPOINT: job.get("checkpoint") ?? "",
  };
}

/** Standard output as it is, when it is one JSON value. */
function resultOf({ stdout }: ProgramEnd): RawJson | undefined {
  const text = stdout?.trim();
  if (!text) return undefined;
  try {
    JSON.parse(text);
    return new RawJson(text);
  } catch {
    return undefined;
  }
}

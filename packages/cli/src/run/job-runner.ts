import { randomUUID } from "node:crypto";
import { type Answer, segment } from "../client.js";
import { exitCodes, Failure, ServerRefusal } from "../failure.js";
import { elements, encodeObject, members, RawJson } from "../json.js";
import type { ProgramEnd, RunningProgram } from "../programs.js";
import type { Session } from "../session.js";
import { shortDuration } from "../time.js";

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
interface Running {
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

const retryMs = { empty: 50, first: 200, longest: 5_000 };
/** After the end is asked for, a fetch that is on its way may still come back: what it brings is given back, not left to its lease. */
const lastAnswerMs = 250;
/** From SIGTERM to SIGKILL. */
const graceMs = 5_000;
const errorLengthMax = 2_000;

/** A worker whose handler is a program. One fetch waits at a time and asks for as many jobs as hands are free. */
export class JobRunner {
  private readonly running = new Map<string, Running>();
  private readonly stop: AbortSignal;
  /** Aborted when a hand came free. */
  private freed = new AbortController();
  private taken = 0;
  private givenUp = 0;

  constructor(
    private readonly session: Session,
    private readonly plan: RunPlan,
  ) {
    this.stop = session.io.interruption();
  }

  async run(): Promise<number> {
    const over = new AbortController();
    const beating = this.beat(over.signal);
    try {
      await this.fetchAndStart();
    } finally {
      await this.finish();
      over.abort();
      await beating;
    }
    return this.givenUp === 0 ? exitCodes.ok : exitCodes.failed;
  }

  private async fetchAndStart(): Promise<void> {
    const { session, plan } = this;
    if (session.output === "table") session.did(`ready: ${plan.queues.join(", ")}, ${plan.concurrency} at a time, worker ${plan.workerId}`);
    let reached = false;
    for (let failures = 0; !this.stop.aborted && this.taken < plan.limit; ) {
      const room = Math.min(plan.concurrency - this.running.size, plan.limit - this.taken);
      if (room <= 0) {
        await this.oneEnds(this.stop);
        continue;
      }
      try {
        const answer = await this.fetch(room);
        if (failures > 0) session.note("connected again");
        reached = true;
        failures = 0;
        const jobs = jobsOf(answer);
        for (const job of jobs) await this.take(job);
        // A server that is about to stop answers at once.
        if (jobs.length === 0) await session.io.sleep(retryMs.empty, this.stop);
      } catch (error) {
        // What the server refuses it would refuse again; a server that was never there is a slip of the hand.
        if (!(error instanceof Failure) || error.exitCode !== exitCodes.unreachable || !reached) throw error;
        if (failures++ === 0) session.note(`${error.message}; trying again`);
        await session.io.sleep(Math.min(retryMs.longest, retryMs.first * 2 ** failures), this.stop);
      }
    }
  }

  /** Resolves with nothing when the end was asked for. */
  private async fetch(count: number): Promise<Answer | undefined> {
    const { plan, session } = this;
    const body = encodeObject({ queues: plan.queues, worker_id: plan.workerId, hostname: plan.hostname, timeout: plan.leaseSeconds, count });
    const giveUp = new AbortController();
    const soon = (): void => void setTimeout(() => giveUp.abort(), lastAnswerMs);
    this.stop.addEventListener("abort", soon);
    try {
      return await session.client.call("POST", "/api/v1/fetch/batch", { body, serverWaitMs: Math.min(60, plan.leaseSeconds) * 1000, signal: giveUp.signal });
    } catch (error) {
      if (giveUp.signal.aborted) return undefined;
      throw error;
    } finally {
      this.stop.removeEventListener("abort", soon);
    }
  }

  private async take(text: string): Promise<void> {
    const job = members(text) ?? new Map<string, string>();
    const word = (name: string): string => String(JSON.parse(job.get(name) ?? '""'));
    const [id, queue, fence] = [word("job_id"), word("queue"), job.get("fence") ?? "0"];
    if (this.stop.aborted) return await this.release(id, fence);
    this.taken++;
    const program = await this.session.io.startProgram({
      command: this.plan.program,
      stdin: job.get("payload") ?? "{}",
      env: environmentOf(job, word),
      onStderr: (bytes) => this.session.io.stderr(Buffer.from(bytes).toString()),
    });
    const running: Running = { id, queue, fence, program, startedMs: this.session.io.nowMs(), lost: false, givenUp: false };
    this.running.set(id, running);
    void this.settle(running);
  }

  /** Waits for the program and tells the server what became of the job. Never rejects. */
  private async settle(job: Running): Promise<void> {
    try {
      const end = await job.program.ended.catch((error: Error) => notStarted(this.plan.program[0], error));
      if (job.lost) return;
      if (job.givenUp) this.givenUp++;
      if (job.givenUp) return await this.release(job.id, job.fence);
      if (end.code === 0) await this.ack(job, end);
      else await this.fail(job, end);
    } catch (error) {
      this.session.note(`job ${job.id}: ${(error as Error).message}`);
    } finally {
      this.running.delete(job.id);
      this.freed.abort();
    }
  }

  private async ack(job: Running, end: ProgramEnd): Promise<void> {
    const body = encodeObject({ fence: new RawJson(job.fence), result: resultOf(end) });
    await this.tellServer(job, `/api/v1/ack/${segment(job.id)}`, body);
    this.say(job, "completed", "");
  }

  private async fail(job: Running, end: ProgramEnd): Promise<void> {
    const how = end.code === undefined ? `ended by ${end.signal}` : `exit code ${end.code}`;
    const last = end.stderrTail.trimEnd().split("\n").at(-1)?.trim().slice(0, errorLengthMax);
    const body = encodeObject({ fence: new RawJson(job.fence), error: last || how, backtrace: `${how}\n${end.stderrTail}` });
    const answer = await this.tellServer(job, `/api/v1/fail/${segment(job.id)}`, body);
    const { status } = JSON.parse(answer.text) as { status?: string };
    this.say(job, status ?? "failed", last ? `${how}: ${last}` : how);
  }

  /** Tries until the server has answered or the job is lost: under one request id it happens once. */
  private async tellServer(job: Running, path: string, body: string): Promise<Answer> {
    const requestId = randomUUID();
    for (let failures = 0; ; failures++) {
      try {
        return await this.session.client.call("POST", path, { body, requestId });
      } catch (error) {
        const again = error instanceof Failure && error.exitCode === exitCodes.unreachable && !job.lost && !job.givenUp;
        if (!again) throw error;
        await this.session.io.sleep(Math.min(retryMs.longest, retryMs.first * 2 ** failures));
      }
    }
  }

  private async release(id: string, fence: string): Promise<void> {
    try {
      await this.session.client.call("POST", `/api/v1/release/${segment(id)}`, { body: encodeObject({ fence: new RawJson(fence) }) });
      this.session.note(`job ${id} given back`);
    } catch (error) {
      this.session.note(`job ${id} could not be given back, its lease ends by itself: ${(error as Error).message}`);
    }
  }

  /** Heartbeats at a third of the lease; a job that is no longer this worker's loses its program. */
  private async beat(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.session.io.sleep((this.plan.leaseSeconds * 1000) / 3, over);
      if (over.aborted || this.running.size === 0) continue;
      const jobs = Object.fromEntries([...this.running.values()].map(({ id, fence }) => [id, { fence: new RawJson(fence) }]));
      try {
        const answer = await this.session.client.call("POST", "/api/v1/heartbeat", { body: encodeObject({ jobs: new RawJson(nested(jobs)) }) });
        const said = (JSON.parse(answer.text) as { jobs: Record<string, { status: string; reason?: string }> }).jobs;
        for (const [id, { status, reason }] of Object.entries(said)) if (status === "cancel") this.lose(id, reason ?? "cancelled");
      } catch (error) {
        // The next one comes before the lease ends.
        if (error instanceof ServerRefusal) this.session.note(`heartbeat: ${error.message}`);
      }
    }
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
    const deadline = new AbortController();
    const until = (): void => void setTimeout(() => deadline.abort(), this.plan.shutdownMs).unref();
    if (this.stop.aborted) until();
    else this.stop.addEventListener("abort", until, { once: true });
    while (this.running.size > 0 && !deadline.signal.aborted) await this.oneEnds(deadline.signal);
    for (const job of this.running.values()) {
      job.givenUp = true;
      this.end(job);
    }
    while (this.running.size > 0) await this.oneEnds();
  }

  private end({ program }: Running): void {
    program.kill("SIGTERM");
    const timer = setTimeout(() => program.kill("SIGKILL"), graceMs);
    void program.ended.catch(() => undefined).then(() => clearTimeout(timer));
  }

  private async oneEnds(orThis?: AbortSignal): Promise<void> {
    const any = orThis === undefined ? this.freed.signal : AbortSignal.any([this.freed.signal, orThis]);
    await this.session.io.sleep(3_600_000, any);
    this.freed = new AbortController();
  }

  private say(job: Running, outcome: string, why: string): void {
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

function jobsOf(answer: Answer | undefined): string[] {
  return elements(members(answer?.text ?? "")?.get("jobs") ?? "[]") ?? [];
}

function nested(jobs: Record<string, Record<string, RawJson>>): string {
  return `{${Object.entries(jobs)
    .map(([id, update]) => `${JSON.stringify(id)}:${encodeObject(update)}`)
    .join(",")}}`;
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

function notStarted(program: string, error: Error): ProgramEnd {
  return { code: 127, signal: undefined, stdout: "", stderrTail: `${program} cannot be started: ${error.message}` };
}

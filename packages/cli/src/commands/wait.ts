import { segment } from "../client.js";
import { type CommandSpec, text } from "../command.js";
import { exitCodes, Failure, ServerRefusal } from "../failure.js";
import { jobIds, jobsNote } from "../jobs-argument.js";
import { plainAngles } from "../json.js";
import { failureText } from "../print-failure.js";
import type { Session } from "../session.js";
import { eventsOf } from "../sse.js";
import { durationFlagMs } from "../time.js";
import { jobStates, knownWord } from "../words.js";

/** Jobs whose events are followed; more are looked at every second. */
const followedMax = 50;
/** Between two looks when events tell of changes, and when they do not. */
const lookMs = { followed: 5_000, alone: 1_000 };
const callsInFlight = 16;
const ended: readonly string[] = ["completed", "dead", "cancelled"];

/** A job as far as waiting goes. */
interface Looked {
  id: string;
  queue: string;
  state: string;
  result?: unknown;
  hold_reason?: string;
  errors?: { error: string }[];
}

interface Waiting {
  ids: Set<string>;
  /** Tells a job that came, as JSON; false: it is told as usual. */
  tell?(job: string): boolean;
  /** `completed`, `finished` or a state. */
  until: string;
  met: number;
  failures: Failure[];
  /** Held jobs that were told of. */
  remarked: Set<string>;
}

export const wait: CommandSpec = {
  name: "wait",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Jobs",
  summary: "wait until jobs are completed, or in another state",
  client: true,
  examples: [
    "corvo wait job_18a3f7c2e41b9a000000000c41 --timeout 5m",
    "corvo wait job_18a3f7c2e41b9a000000000c41 --for finished -o json",
    "corvo enqueue reports.build -o name | corvo wait -",
  ],
  flags: [
    { flags: "--for <state>", description: "completed, finished (completed, dead or cancelled), or any state (default: completed)" },
    { flags: "--timeout <duration>", description: "give up after this time (CORVO_TIMEOUT does not count here; default: never)" },
  ],
  notes: [
    "Exit codes: 0 all came; 9 what was waited for cannot come any more (a job is dead, cancelled or gone); 6 the time is over: wait again;",
    "7 some of several came; 130 Ctrl-C. -o json prints each job as it then is, one a line.",
    jobsNote,
  ],
  async run(session, args, flags) {
    const given = text(flags, "for") ?? "completed";
    const until = knownWord("--for", given, ["finished", ...jobStates]);
    const timeout = text(flags, "timeout");
    const endMs = timeout === undefined ? Number.POSITIVE_INFINITY : session.io.nowMs() + durationFlagMs("--timeout", timeout);
    const ids = await jobIds(session, args);
    const waiting: Waiting = { ids: new Set(ids), until, met: 0, failures: [], remarked: new Set() };
    return await waitFor(session, waiting, endMs);
  },
};

/** Waits until one job is completed; `timeout` as it was typed. */
export async function waitForEnd(session: Session, id: string, timeout: string | undefined, tell: (job: string) => boolean): Promise<number> {
  const endMs = timeout === undefined ? Number.POSITIVE_INFINITY : session.io.nowMs() + durationFlagMs("--timeout", timeout);
  return await waitFor(session, { ids: new Set([id]), until: "completed", met: 0, failures: [], remarked: new Set(), tell }, endMs);
}

async function waitFor(session: Session, waiting: Waiting, endMs: number): Promise<number> {
  const interrupted = session.io.interruption();
  const following = new AbortController();
  const bell = followed(session, [...waiting.ids], following.signal);
  try {
    for (let first = true; ; first = false) {
      await lookAtAll(session, waiting, first);
      const left = endMs - session.io.nowMs();
      if (waiting.ids.size === 0) return outcome(waiting);
      if (left <= 0) return timedOut(session, waiting);
      if (interrupted.aborted) return exitCodes.interrupted;
      await bell.rung(Math.min(left, bell.works() ? lookMs.followed : lookMs.alone), interrupted);
    }
  } finally {
    following.abort();
  }
}

/** Looks at every job that is still waited for, and lets go of those that have come or cannot come any more. */
async function lookAtAll(session: Session, waiting: Waiting, first: boolean): Promise<void> {
  const ids = [...waiting.ids];
  for (let from = 0; from < ids.length; from += callsInFlight) {
    await Promise.all(ids.slice(from, from + callsInFlight).map((id) => lookAtOne(session, waiting, id, first)));
  }
}

async function lookAtOne(session: Session, waiting: Waiting, id: string, first: boolean): Promise<void> {
  let answer: string;
  try {
    answer = (await session.client.call("GET", `/api/v1/jobs/${segment(id)}`)).text;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A server that restarts comes back; what it refuses, it would refuse again.
    if (error.exitCode === exitCodes.unreachable && !first) return;
    if (!(error instanceof ServerRefusal) || error.status !== 404) throw error;
    return give(session, waiting, id, first ? error : new Failure(exitCodes.notMet, `job ${id} is gone: it was deleted, or purged after its end`));
  }
  const job = JSON.parse(answer) as Looked;
  if (job.state === waiting.until || (waiting.until === "finished" && ended.includes(job.state))) return came(session, waiting, job, answer);
  if (ended.includes(job.state)) return give(session, waiting, id, failureOf(job, waiting.until));
  if (job.state === "held" && !waiting.remarked.has(id)) {
    waiting.remarked.add(id);
    session.note(`note: job ${id} is held${job.hold_reason ? `: ${job.hold_reason}` : ""}; corvo approve ${id}`);
  }
}

function came(session: Session, waiting: Waiting, job: Looked, answer: string): void {
  waiting.ids.delete(job.id);
  waiting.met++;
  if (waiting.tell?.(answer)) return;
  if (session.item(plainAngles(answer))) return;
  if (session.output === "name") session.line(job.id);
  else session.did(`Job ${job.id} ${job.state}`);
}

function give(session: Session, waiting: Waiting, id: string, failure: Failure): void {
  waiting.ids.delete(id);
  waiting.failures.push(failure);
  session.io.stderr(failureText(failure, session.errorColors));
}

function failureOf(job: Looked, until: string): Failure {
  const why = job.errors?.at(-1)?.error.split("\n")[0];
  return new Failure(exitCodes.notMet, `job ${job.id} is ${job.state}, not ${until}${why ? `: ${why}` : ""}`, {
    hint: `corvo inspect ${job.id}   ·   corvo retry ${job.id}`,
  });
}

function outcome({ met, failures }: Waiting): number {
  if (failures.length === 0) return exitCodes.ok;
  if (met > 0) return exitCodes.partly;
  return failures.every((one) => one.exitCode === failures[0].exitCode) ? failures[0].exitCode : exitCodes.notMet;
}

function timedOut(session: Session, waiting: Waiting): number {
  const [id] = waiting.ids;
  const who = waiting.ids.size === 1 ? `job ${id} is` : `${waiting.ids.size} jobs are`;
  session.io.stderr(
    failureText(new Failure(exitCodes.unreachable, `${who} still not ${waiting.until}`, { hint: `why: corvo explain ${id}` }), session.errorColors),
  );
  return waiting.met > 0 ? exitCodes.partly : exitCodes.unreachable;
}

interface Bell {
  /** Resolves when something happened to one of the jobs, when the time is over, or at Ctrl-C. */
  rung(ms: number, interrupted: AbortSignal): Promise<void>;
  /** Events come: looking often is not needed. */
  works(): boolean;
}

/** Follows the events of the jobs. Without a stream (too many jobs, no permission, a broken connection) nothing rings. */
function followed(session: Session, ids: readonly string[], signal: AbortSignal): Bell {
  let works = false;
  let ring = (): void => {};
  let missed = false;
  const follow = async (): Promise<void> => {
    const query = new URLSearchParams({ from: "now", job_ids: ids.join(",") });
    const stream = await session.client.stream("GET", `/api/v1/events?${query}`, { signal });
    works = true;
    ring();
    missed = true;
    for await (const _ of eventsOf(stream)) {
      missed = true;
      ring();
    }
  };
  if (ids.length > 0 && ids.length <= followedMax) {
    // Whatever ends the stream: the jobs are looked at anyway.
    follow()
      .catch(() => {})
      .finally(() => {
        works = false;
      });
  }
  return {
    works: () => works,
    async rung(ms, interrupted) {
      const over = new AbortController();
      ring = () => over.abort();
      if (missed) over.abort();
      missed = false;
      const any = AbortSignal.any([over.signal, interrupted]);
      await session.io.sleep(ms, any);
      ring = () => {};
      missed = false;
    },
  };
}

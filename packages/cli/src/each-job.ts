import { segment } from "./client.js";
import { exitCodes, Failure, missingOrWrongState, ServerRefusal } from "./failure.js";
import { failureText } from "./print-failure.js";
import type { Session } from "./session.js";

/** Calls in flight at a time; answers are told in the order of the jobs. */
const callsInFlight = 16;

/**
 * Does one thing to each job. One job: its failure is thrown. Several: each failure is told and the rest goes on; the exit code is
 * 7 when some went through, else the failures' own.
 */
export async function eachJob<T>(
  session: Session,
  ids: readonly string[],
  call: (id: string) => Promise<T>,
  tell: (id: string, value: T) => void,
): Promise<number> {
  const failures: Failure[] = [];
  let done = 0;
  for (let from = 0; from < ids.length; from += callsInFlight) {
    const slice = ids.slice(from, from + callsInFlight);
    const outcomes = await Promise.all(slice.map((id) => attempt(session, id, call)));
    for (const [i, outcome] of outcomes.entries()) {
      if ("value" in outcome) {
        done++;
        tell(slice[i], outcome.value);
        continue;
      }
      if (ids.length === 1) throw outcome.failure;
      failures.push(outcome.failure);
      const { exitCode, message, detail, hint } = outcome.failure;
      const named = message.includes(slice[i]) ? message : `${slice[i]}: ${message}`;
      session.io.stderr(failureText(new Failure(exitCode, named, { detail, hint: ids.length > 3 ? undefined : hint }), session.errorColors));
      // Nothing that follows can go better when the server is not there.
      if (exitCode === exitCodes.unreachable && !(outcome.failure instanceof ServerRefusal)) return done === 0 ? exitCode : exitCodes.partly;
    }
  }
  if (failures.length === 0) return exitCodes.ok;
  session.note(`${done} of ${ids.length} jobs done, ${failures.length} failed`);
  if (done > 0) return exitCodes.partly;
  return failures.every((f) => f.exitCode === failures[0].exitCode) ? failures[0].exitCode : exitCodes.failed;
}

type Attempt<T> = { value: T } | { failure: Failure };

async function attempt<T>(session: Session, id: string, call: (id: string) => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await call(id) };
  } catch (error) {
    if (error instanceof ServerRefusal) return { failure: await explained(session, id, error) };
    if (error instanceof Failure) return { failure: error };
    throw error;
  }
}

/** What can be done with a job in each state. */
const verbs: Readonly<Record<string, string>> = {
  pending: "fetch, cancel, hold, move, delete",
  active: "ack, fail, cancel, hold, move, delete",
  held: "approve, reject, move, delete",
  scheduled: "retry (runs it now), cancel, hold, move, delete",
  retrying: "cancel, hold, move, delete",
  completed: "retry, move, delete",
  dead: "retry, move, delete",
  cancelled: "retry, move, delete",
};

/** Looks at the job when the refusal leaves open whether it is missing or in the wrong state, and says what its state allows. */
async function explained(session: Session, id: string, refusal: ServerRefusal): Promise<Failure> {
  if (refusal.exitCode !== exitCodes.wrongState || refusal.code === "STALE_FENCE") return refusal;
  let state = /from state "(\w+)"|\(state=(\w+)\)/.exec(refusal.message)?.slice(1).find(Boolean);
  if (state === undefined) {
    try {
      state = (JSON.parse((await session.client.call("GET", `/api/v1/jobs/${segment(id)}`)).text) as { state?: string }).state;
    } catch (error) {
      if (error instanceof ServerRefusal && error.status === 404 && missingOrWrongState(refusal)) return error;
      return refusal;
    }
  }
  const allowed = state === undefined ? undefined : verbs[state];
  return new Failure(refusal.exitCode, refusal.message, { hint: allowed ? `the job is ${state}: it allows ${allowed}` : refusal.hint });
}

import { engineLevel, type Refusal } from "@corvo/protocol";
import { ensure } from "./invariant.js";
import type { State } from "./state.js";

/** Thrown at the first change of a command that is only looked at. Nothing of it crosses `validate`. */
const accepted = Symbol("accepted");

function stop(): never {
  throw accepted;
}

const nothingTouched = {
  serial: Number.NaN, // no queue and no worker has it, so each of them is shown before it changes
  keepQueue: stop,
  keepWorker: stop,
};

/**
 * Runs a command up to its first change: what comes back is why it would be refused at this moment, or undefined. It relies on two
 * habits of the verbs: they say no before they change anything, and they touch what they change first. The state is as before.
 */
export function validate(s: State, nowMs: number, run: () => Refusal | undefined): Refusal | undefined {
  const { cut, guard, answering, granted, level, logTimeMs, lastSeq, lastFence } = s;
  const { low, high } = s.hash;
  const open = s.pages().map((table) => table.guard(stop));
  s.guard = stop;
  s.cut = nothingTouched;
  s.answering = false;
  s.granted = 0;
  s.level = engineLevel;
  s.logTimeMs = Math.max(logTimeMs, nowMs);
  try {
    return run();
  } catch (thrown) {
    if (thrown !== accepted) throw thrown;
    return undefined;
  } finally {
    for (const end of open) end();
    s.guard = guard;
    s.cut = cut;
    s.answering = answering;
    s.granted = granted;
    s.level = level;
    s.logTimeMs = logTimeMs;
    s.lastSeq = lastSeq;
    s.lastFence = lastFence;
    s.out.reset();
    ensure(s.hash.low === low && s.hash.high === high, "a command that was only looked at changed the state");
  }
}

import { beginMessage, endMessage, putRange, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { EnqueuedJobTag, EnqueueRequestReader, EnqueueResponseReader, EnqueueResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import type { Call, UnaryHandler } from "@corvo/transport";
import { type CommandRule, commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";

const asked = new EnqueueRequestReader();
const said = new EnqueueResponseReader();

/** Enqueue. Newer clients of Corvo read the job as an object: only REST's answers have it, as that is all they speak. */
export function enqueueHandler(context: HandlerContext, rule: CommandRule): UnaryHandler {
  const plain = commandHandler(context, rule);
  return {
    kind: "unary",
    handle(call, request) {
      const answer = plain.handle(call, request);
      return isNewerRoute(call) ? Promise.resolve(answer).then((bytes) => withJob(bytes, request)) : answer;
    },
  };
}

/** The call came to `POST /enqueue`. */
export function isNewerRoute({ rest }: Call): boolean {
  return rest !== undefined && /\/enqueue(\?|$)/.test(rest.url);
}

function withJob(answer: Uint8Array, request: Uint8Array): Uint8Array {
  const a = said.read(answer, 0, answer.length);
  if (a.jobIdEnd === a.jobIdStart) return answer; // it was only looked at
  const w = new Writer(answer.length * 2 + 320);
  w.ensure(answer.length);
  w.buf.set(answer, 0);
  w.pos = answer.length;
  if (a.uniqueExisting) putRange(w, EnqueueResponseTag.uniqueJobId, answer, a.jobIdStart, a.jobIdEnd);
  else {
    const { queueStart, queueEnd } = asked.read(request, 0, request.length);
    const job = beginMessage(w, EnqueueResponseTag.job, a.jobIdEnd - a.jobIdStart + queueEnd - queueStart + 32);
    putRange(w, EnqueuedJobTag.id, answer, a.jobIdStart, a.jobIdEnd);
    putRange(w, EnqueuedJobTag.queue, request, queueStart, queueEnd);
    putRange(w, EnqueuedJobTag.state, answer, a.statusStart, a.statusEnd);
    endMessage(w, job);
  }
  return w.copy();
}

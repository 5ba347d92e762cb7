import { beginMessage, endMessage, putRange, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { EnqueueBatchResponseReader, EnqueueBatchResponseTag, EnqueuedJobTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import type { UnaryHandler } from "@corvo/transport";
import { type CommandRule, commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { isNewerRoute } from "./enqueue.js";

const reader = new EnqueueBatchResponseReader();

/** EnqueueBatch. Newer clients of Corvo send it to `POST /enqueue` and read the jobs as objects: only there the answer has them. */
export function enqueueBatchHandler(context: HandlerContext, rule: CommandRule): UnaryHandler {
  const plain = commandHandler(context, rule);
  return {
    kind: "unary",
    handle(call, request) {
      const answer = plain.handle(call, request);
      return isNewerRoute(call) ? Promise.resolve(answer).then(withJobs) : answer;
    },
  };
}

function withJobs(answer: Uint8Array): Uint8Array {
  const w = new Writer(answer.length * 2 + 16);
  const r = reader.read(answer, 0, answer.length);
  w.ensure(answer.length);
  w.buf.set(answer, 0);
  w.pos = answer.length;
  for (let i = 0; i < r.jobIdsCount; i++) {
    const at = beginMessage(w, EnqueueBatchResponseTag.jobs, 40);
    putRange(w, EnqueuedJobTag.id, answer, r.jobIdsStart[i], r.jobIdsEnd[i]);
    endMessage(w, at);
  }
  return w.copy();
}

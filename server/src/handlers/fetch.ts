import { limits, validateOnly } from "@corvo/protocol";
import type { Call, UnaryHandler } from "@corvo/transport";
import { atTheDoor, type CommandRule, lookedAt } from "./command.js";
import { type HandlerContext, toRpcError } from "./context.js";

/** What a fetch asks for beside its command. */
export interface FetchWish {
  queues: string[];
  leaseSeconds: number;
}

/**
 * Fetch and FetchBatch: waits as long as the lease would last (0: 30 s, at most 60 s), woken by the job. A poll of 30 s is answered
 * half a second early, because clients of v0.3 give up after exactly 30 s (spec/sdk.md §4.1). When the caller goes away the wait
 * ends and nothing is fetched.
 */
export function fetchHandler(context: HandlerContext, rule: CommandRule, wish: (body: Uint8Array) => FetchWish, none: Uint8Array): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const command = atTheDoor(context, call, rule, request);
      if (validateOnly(command.body)) return lookedAt(context, call, command);
      const { queues, leaseSeconds } = wish(command.body);
      return new Promise((resolve, reject) => {
        let stop: (() => void) | undefined;
        context.replica.fetch(
          command,
          queues,
          waitMs(call, leaseSeconds),
          { answer: (bytes) => resolve(bytes.slice()), refused: (refusal) => reject(toRpcError(refusal)), none: () => resolve(none) },
          (sleeper) => {
            const first = stop === undefined;
            stop = () => {
              sleeper.cancel();
              resolve(none);
            };
            if (first) call.onAbort(() => stop?.());
            else if (call.aborted) stop(); // it left while an attempt was on its way that brought nothing
          },
        );
      });
    },
  };
}

function waitMs(call: Call, leaseSeconds: number): number {
  const askedMs = leaseSeconds <= 0 ? limits.longPollMsDefault : Math.min(leaseSeconds * 1000, limits.longPollMsMax);
  const politeMs = askedMs === 30_000 ? 29_500 : askedMs;
  if (call.deadlineMs === undefined) return politeMs;
  return Math.max(0, Math.min(politeMs, call.deadlineMs - performance.now() - 50));
}

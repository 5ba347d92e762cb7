import { limits, type Refusal, validateOnly } from "@corvo/protocol";
import type { Sleeper } from "@corvo/replica";
import type { Call, UnaryHandler } from "@corvo/transport";
import { atTheDoor, type CommandRule, lookedAt } from "./command.js";
import { type HandlerContext, toRpcError } from "./context.js";

/** What a fetch asks for beside its command. */
export interface FetchWish {
  queues: string[];
  leaseSeconds: number;
  workerId: string;
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
      const asked = atTheDoor(context, call, rule, request);
      if (validateOnly(asked.body)) return lookedAt(context, call, asked);
      const { queues: wanted, leaseSeconds, workerId } = wish(asked.body);
      const { command, queues } = context.workerOrders.allowed(asked, wanted, workerId);
      return new Promise((resolve, reject) => {
        let stop: (() => void) | undefined;
        let asleep: Sleeper | undefined;
        let over = false;
        let awake = (): void => {};
        const answered = (bytes: Uint8Array): void => {
          awake();
          resolve(bytes);
        };
        const refused = (refusal: Refusal): void => {
          awake();
          reject(toRpcError(refusal));
        };
        context.replica.fetch(
          command,
          queues,
          waitMs(call, leaseSeconds),
          { answer: (bytes) => answered(bytes.slice()), refused, none: () => answered(none) },
          (sleeper) => {
            const first = stop === undefined;
            stop = () => {
              sleeper.cancel();
              answered(none);
            };
            if (first) {
              call.onAbort(() => stop?.());
              awake = context.workerOrders.sleeps(asked.namespace ?? "", wanted, workerId, () => {
                over = true;
                if (asleep?.cancel()) answered(none); // else an attempt is on its way, and what it brings is handed over
              });
            }
            asleep = sleeper;
            if (over || call.aborted) stop(); // it left while an attempt was on its way that brought nothing
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

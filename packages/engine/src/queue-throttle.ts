import { SetThrottleRequestReader } from "@corvo/gen/corvo/v1/queue_fast.js";
import { isRefusal, type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { Setting, settledQueue } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { ThrottleLog } from "./tables/throttle-log.js";

const reader = new SetThrottleRequestReader();

/** Caps the fetches of a queue in any trailing window. Fetches count from the moment at which a cap is set. */
export function setThrottle(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.rate <= 0) return refuse("invalid_argument", "INVALID_VALUE", "rate must be above 0", { field: "rate" });
  if (r.windowMs <= 0) return refuse("invalid_argument", "INVALID_VALUE", "window_ms must be above 0", { field: "window_ms" });
  const { rate, windowMs } = r;
  const queue = settledQueue(s, c);
  if (isRefusal(queue)) return queue;
  if (queue.throttle === undefined) queue.throttle = new ThrottleLog(rate, windowMs);
  else queue.throttle.change(rate, windowMs, s.logTimeMs);
  s.hash.mix(Setting.throttle, queue.serial, rate * 2 ** 21 + windowMs);
  if (queue.pending > 0) s.wake(queue);
  s.queueChanged(EventType.queueLimitsChanged, queue);
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}

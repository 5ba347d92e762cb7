import type { CommandSpec } from "./command.js";
import { ack, fail } from "./commands/ack.js";
import { bench } from "./commands/bench.js";
import { completionCommand } from "./commands/completion.js";
import { enqueue } from "./commands/enqueue.js";
import { fetch } from "./commands/fetch.js";
import { approve, cancel, hold, inspect, move, reject, remove, retry } from "./commands/jobs.js";
import { clear, concurrency, destroy, drain, pause, queues, resume, throttle } from "./commands/queues.js";
import { server } from "./commands/server.js";
import { status, workers } from "./commands/status.js";
import { verify } from "./commands/verify.js";
import { version } from "./commands/version.js";

/** Every command, in the order in which help shows them. */
export const commands: readonly CommandSpec[] = [
  ...[enqueue, inspect, retry, cancel, hold, approve, reject, move, remove],
  ...[fetch, ack, fail],
  ...[queues, pause, resume, drain, clear, destroy, concurrency, throttle],
  ...[server, status, workers, bench, verify, version, completionCommand(() => commands)],
];

import type { AnyCommand } from "./command.js";
import { ack, fail, release, step } from "./commands/ack.js";
import { agentCommands } from "./commands/agents.js";
import { authCommands } from "./commands/auth.js";
import { bench } from "./commands/bench.js";
import { completionCommand } from "./commands/completion.js";
import { context } from "./commands/context.js";
import { dev } from "./commands/dev.js";
import { doctor } from "./commands/doctor.js";
import { enqueue } from "./commands/enqueue.js";
import { eventCommands } from "./commands/events.js";
import { fetch } from "./commands/fetch.js";
import { approve, cancel, hold, inspect, move, reject, remove, retry } from "./commands/jobs.js";
import { operationCommands } from "./commands/operations.js";
import { clear, concurrency, depth, destroy, drain, pause, queues, resume, throttle } from "./commands/queues.js";
import { run } from "./commands/run.js";
import { scheduleCommands } from "./commands/schedules.js";
import { seed } from "./commands/seed.js";
import { server } from "./commands/server.js";
import { status } from "./commands/status.js";
import { togetherCommands } from "./commands/together.js";
import { top } from "./commands/top.js";
import { verify } from "./commands/verify.js";
import { version } from "./commands/version.js";
import { viewCommands } from "./commands/view.js";
import { wait } from "./commands/wait.js";
import { workerGroup, workers } from "./commands/workers.js";

/** Every command, in the order in which help shows them under their headings. */
export const commands: readonly AnyCommand[] = [
  ...[enqueue, inspect, retry, cancel, hold, approve, reject, move, remove, wait],
  ...[fetch, ack, fail, release, step, run, workerGroup],
  ...[queues, pause, resume, drain, clear, destroy, concurrency, depth, throttle],
  ...togetherCommands,
  ...agentCommands,
  ...scheduleCommands,
  ...viewCommands,
  ...eventCommands,
  ...authCommands,
  ...[top],
  ...[server, dev, status, workers, doctor],
  ...operationCommands,
  ...[seed, bench, verify, version, context, completionCommand(() => commands)],
];

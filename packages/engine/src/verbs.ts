import { type Refusal, Verb } from "@corvo/protocol";
import { ack } from "./ack.js";
import { ackBatch } from "./ack-batch.js";
import { approve } from "./approve.js";
import { authVerb } from "./auth-verbs.js";
import { createBatch, sealBatch } from "./batch.js";
import { deleteBudget, setBudget } from "./budget-set.js";
import { bulkCancel, bulkChunk, bulkStart } from "./bulk.js";
import { cancel } from "./cancel.js";
import { changePriority } from "./change-priority.js";
import type { Command } from "./command.js";
import { deleteJob } from "./delete.js";
import { deleteWebhook } from "./delete-webhook.js";
import { enqueue } from "./enqueue.js";
import { enqueueBatch } from "./enqueue-batch.js";
import { fail } from "./fail.js";
import { fetch, fetchBatch } from "./fetch.js";
import { heartbeat } from "./heartbeat.js";
import { hold } from "./hold.js";
import { leadership } from "./leadership.js";
import { lifecycle } from "./lifecycle.js";
import { move } from "./move.js";
import { deletePolicy, setPolicy } from "./policies.js";
import { purge } from "./purge.js";
import { clearQueue } from "./queue-clear.js";
import { setConcurrency } from "./queue-concurrency.js";
import { setDepthLimit } from "./queue-depth.js";
import { destroyQueue } from "./queue-destroy.js";
import { drainQueue } from "./queue-drain.js";
import { pauseQueue } from "./queue-pause.js";
import { removeThrottle } from "./queue-remove-throttle.js";
import { resumeQueue } from "./queue-resume.js";
import { setThrottle } from "./queue-throttle.js";
import { redeliverWebhook } from "./redeliver-webhook.js";
import { reject } from "./reject.js";
import { release } from "./release.js";
import { replay } from "./replay.js";
import { requeue } from "./requeue.js";
import { retry } from "./retry.js";
import { putSchedule } from "./schedule-put.js";
import { scheduleSlots } from "./schedule-slots.js";
import { deleteSchedule, pauseSchedule, resumeSchedule, runSchedule } from "./schedule-verbs.js";
import { setWebhook } from "./set-webhook.js";
import type { State } from "./state.js";
import { stateHash } from "./state-hash.js";
import { step } from "./step.js";
import { testWebhook } from "./test-webhook.js";
import { tick } from "./tick.js";
import { webhookDelivered } from "./webhook-delivered.js";
import { orderWorker, resumeWorker } from "./worker-orders.js";

/**
 * One command: each verb is a file of its own. What comes back is why nothing happened; the answer is in `s.out`.
 * `servingBeforeMs`: serving time before the entry.
 */
export function run(s: State, c: Command, servingBeforeMs: number): Refusal | undefined {
  switch (c.verb) {
    case Verb.LIFECYCLE:
      return lifecycle(s, c);
    case Verb.ENQUEUE:
      return enqueue(s, c);
    case Verb.ENQUEUE_BATCH:
      return enqueueBatch(s, c);
    case Verb.FETCH:
      return fetch(s, c);
    case Verb.FETCH_BATCH:
      return fetchBatch(s, c);
    case Verb.ACK:
      return ack(s, c);
    case Verb.ACK_BATCH:
      return ackBatch(s, c);
    case Verb.FAIL:
      return fail(s, c);
    case Verb.HEARTBEAT:
      return heartbeat(s, c);
    case Verb.RETRY:
      return retry(s, c);
    case Verb.CANCEL:
      return cancel(s, c);
    case Verb.HOLD:
      return hold(s, c);
    case Verb.APPROVE:
      return approve(s, c);
    case Verb.REJECT:
      return reject(s, c);
    case Verb.MOVE:
      return move(s, c);
    case Verb.DELETE:
      return deleteJob(s, c);
    case Verb.PAUSE_QUEUE:
      return pauseQueue(s, c);
    case Verb.RESUME_QUEUE:
      return resumeQueue(s, c);
    case Verb.DRAIN_QUEUE:
      return drainQueue(s, c);
    case Verb.CLEAR_QUEUE:
      return clearQueue(s, c);
    case Verb.DESTROY_QUEUE:
      return destroyQueue(s, c);
    case Verb.SET_CONCURRENCY:
      return setConcurrency(s, c);
    case Verb.SET_THROTTLE:
      return setThrottle(s, c);
    case Verb.REMOVE_THROTTLE:
      return removeThrottle(s, c);
    case Verb.PUT_SCHEDULE:
      return putSchedule(s, c);
    case Verb.DELETE_SCHEDULE:
      return deleteSchedule(s, c);
    case Verb.PAUSE_SCHEDULE:
      return pauseSchedule(s, c);
    case Verb.RESUME_SCHEDULE:
      return resumeSchedule(s, c);
    case Verb.RUN_SCHEDULE:
      return runSchedule(s, c);
    case Verb.SCHEDULE_SLOTS:
      return void scheduleSlots(s, c);
    case Verb.SET_DEPTH_LIMIT:
      return setDepthLimit(s, c);
    case Verb.STEP:
      return step(s, c);
    case Verb.BULK_START:
      return bulkStart(s, c);
    case Verb.BULK_CANCEL:
      return bulkCancel(s, c);
    case Verb.BULK_CHUNK:
      return bulkChunk(s, c, (single) => run(s, single, servingBeforeMs));
    case Verb.CHANGE_PRIORITY:
      return changePriority(s, c);
    case Verb.REQUEUE:
      return requeue(s, c);
    case Verb.RELEASE:
      return release(s, c);
    case Verb.REPLAY:
      return replay(s, c);
    case Verb.SET_BUDGET:
      return setBudget(s, c);
    case Verb.DELETE_BUDGET:
      return deleteBudget(s, c);
    case Verb.SET_POLICY:
      return setPolicy(s, c);
    case Verb.DELETE_POLICY:
      return deletePolicy(s, c);
    case Verb.SET_WEBHOOK:
      return setWebhook(s, c);
    case Verb.DELETE_WEBHOOK:
      return deleteWebhook(s, c);
    case Verb.REDELIVER_WEBHOOK:
      return redeliverWebhook(s, c);
    case Verb.TEST_WEBHOOK:
      return testWebhook(s, c);
    case Verb.WEBHOOK_DELIVERED:
      return void webhookDelivered(s, c);
    case Verb.QUIET_WORKER:
      return orderWorker(s, c, 1);
    case Verb.STOP_WORKER:
      return orderWorker(s, c, 2);
    case Verb.RESUME_WORKER:
      return resumeWorker(s, c);
    case Verb.CREATE_BATCH:
      return createBatch(s, c);
    case Verb.SEAL_BATCH:
      return sealBatch(s, c);
    case Verb.TICK:
      return void tick(s);
    case Verb.LEADERSHIP:
      return void leadership(s, c, servingBeforeMs);
    case Verb.STATE_HASH:
      return void stateHash(s, c);
    case Verb.PURGE:
      return void purge(s, c);
    default:
      return authVerb(s, c);
  }
}

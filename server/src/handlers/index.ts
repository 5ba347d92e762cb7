import type { DescMethod } from "@bufbuild/protobuf";
import * as admin from "@corvo/gen/corvo/v1/admin_pb.js";
import * as agents from "@corvo/gen/corvo/v1/agent_pb.js";
import * as batches from "@corvo/gen/corvo/v1/batch_pb.js";
import * as budgets from "@corvo/gen/corvo/v1/budget_pb.js";
import * as cluster from "@corvo/gen/corvo/v1/cluster_pb.js";
import * as event from "@corvo/gen/corvo/v1/event_pb.js";
import * as explain from "@corvo/gen/corvo/v1/explain_pb.js";
import * as jobs from "@corvo/gen/corvo/v1/job_pb.js";
import * as queues from "@corvo/gen/corvo/v1/queue_pb.js";
import * as webhook from "@corvo/gen/corvo/v1/webhook_pb.js";
import { FetchBatchRequestReader, FetchRequestReader, StepRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import * as door from "@corvo/protocol";
import { Verb } from "@corvo/protocol";
import type { Handler, Route } from "@corvo/transport";
import type { AdminContext } from "../admin/context.js";
import { nodeClock } from "../node-seams.js";
import { WorkerTable } from "../worker-table.js";
import { adminHandlers } from "./admin.js";
import { deleteApprovalPolicyHandler, listApprovalPoliciesHandler, listIterationsHandler } from "./agent.js";
import type { AuthContext } from "./auth.js";
import { authRoutes } from "./auth-routes.js";
import { createBatchHandler, getBatchHandler, getChainHandler, getDependenciesHandler, listBatchesHandler, listChainsHandler } from "./batch.js";
import { deleteBudgetHandler, listBudgetsHandler, setBudgetHandler } from "./budget.js";
import { getChildrenHandler } from "./children.js";
import { clusterStatusHandler, listWorkersHandler, type NodeFacts, serverInfoHandler } from "./cluster.js";
import { type CommandRule, commandHandler } from "./command.js";
import { enqueueHandler } from "./enqueue.js";
import { enqueueBatchHandler } from "./enqueue-batch.js";
import { listEventsHandler } from "./events.js";
import { explainJobHandler } from "./explain.js";
import { type FetchWish, fetchHandler } from "./fetch.js";
import { heartbeatHandler } from "./heartbeat.js";
import { bulkGetJobsHandler, getJobHandler } from "./job.js";
import { lifecycleHandler, type StreamCounters } from "./lifecycle.js";
import { namespacedHandler } from "./own-namespace.js";
import { listQueuesHandler } from "./queues.js";
import { readsSaySeen } from "./reads.js";
import { scheduleRoutes } from "./schedules.js";
import { subscribeHandler } from "./subscribe.js";
import { billingSummaryHandler, usageSummaryHandler } from "./usage.js";
import { addViewRoutes } from "./view-routes.js";
import { listWebhookDeliveriesHandler, listWebhooksHandler, setWebhookHandler } from "./webhooks.js";
import { workerOrderRoutes } from "./worker-orders.js";

/** Every method of the public API with its handler. A method without one fails the start. */
export function publicRoutes(context: AuthContext & AdminContext, counters: StreamCounters, facts: NodeFacts): Route[] {
  const w = worker.WorkerService.method;
  const t = batches.BatchService.method;
  const j = jobs.JobService.method;
  const q = queues.QueueService.method;
  const a = agents.AgentService.method;
  const b = budgets.BudgetService.method;
  const c = cluster.ClusterService.method;
  const h = webhook.WebhookService.method;
  const routes: Route[] = [];
  // All of them on the fast lane: it is where malformed protobuf is the caller's fault (invalid_argument) and not the server's (internal).
  const add = (method: DescMethod, handler: Handler, singleExchange = false): void => void routes.push({ method, handler, hot: true, singleExchange });
  const command = (method: DescMethod, rule: CommandRule): void => add(method, commandHandler(context, rule));

  addViewRoutes(context, add);
  add(w.enqueue, enqueueHandler(context, { verb: Verb.ENQUEUE, check: door.checkEnqueue, schema: worker.EnqueueRequestSchema, newWork: true }));
  add(
    w.enqueueBatch,
    enqueueBatchHandler(context, { verb: Verb.ENQUEUE_BATCH, check: door.checkEnqueueBatch, schema: worker.EnqueueBatchRequestSchema, newWork: true }),
  );
  command(w.enqueueWebhook, { verb: Verb.ENQUEUE, check: door.checkEnqueueWebhook, schema: worker.EnqueueRequestSchema, newWork: true });
  add(
    w.fetch,
    fetchHandler(context, { verb: Verb.FETCH, check: door.checkFetch, schema: worker.FetchRequestSchema }, wishOf(new FetchRequestReader()), nothing),
  );
  add(
    w.fetchBatch,
    fetchHandler(
      context,
      { verb: Verb.FETCH_BATCH, check: door.checkFetchBatch, schema: worker.FetchBatchRequestSchema },
      wishOf(new FetchBatchRequestReader()),
      nothing,
    ),
  );
  command(w.ack, { verb: Verb.ACK, check: door.checkAck, schema: worker.AckRequestSchema });
  command(w.ackBatch, { verb: Verb.ACK_BATCH, check: door.checkAckBatch, schema: worker.AckBatchRequestSchema });
  command(w.fail, { verb: Verb.FAIL, check: door.checkFail, schema: worker.FailRequestSchema });
  command(w.step, { verb: Verb.STEP, check: door.checkStep, schema: worker.StepRequestSchema, newWork: addsJobs });
  command(w.release, { verb: Verb.RELEASE, check: door.checkRelease, schema: worker.ReleaseRequestSchema });
  const workers = new WorkerTable(nodeClock.nowMs);
  add(w.heartbeat, heartbeatHandler(context, workers));
  add(w.streamLifecycle, lifecycleHandler(context, counters), true);
  add(w.subscribe, subscribeHandler(context));
  add(w.getServerInfo, serverInfoHandler());

  add(j.getJob, getJobHandler(context));
  add(j.bulkGetJobs, bulkGetJobsHandler(context));
  command(j.retryJob, { verb: Verb.RETRY, check: door.checkRetryJob, schema: jobs.RetryJobRequestSchema });
  command(j.cancelJob, { verb: Verb.CANCEL, check: door.checkCancelJob, schema: jobs.CancelJobRequestSchema });
  command(j.holdJob, { verb: Verb.HOLD, check: door.checkHoldJob, schema: jobs.HoldJobRequestSchema });
  command(j.approveJob, { verb: Verb.APPROVE, check: door.checkApproveJob, schema: jobs.ApproveJobRequestSchema });
  command(j.rejectJob, { verb: Verb.REJECT, check: door.checkRejectJob, schema: jobs.RejectJobRequestSchema });
  command(j.moveJob, { verb: Verb.MOVE, check: door.checkMoveJob, schema: jobs.MoveJobRequestSchema });
  command(j.deleteJob, { verb: Verb.DELETE, check: door.checkDeleteJob, schema: jobs.DeleteJobRequestSchema });

  add(t.createBatch, createBatchHandler(context));
  command(t.sealBatch, { verb: Verb.SEAL_BATCH, check: door.checkSealBatch, schema: batches.SealBatchRequestSchema });
  add(t.getBatch, getBatchHandler(context));
  add(t.listBatches, listBatchesHandler(context));
  add(t.getChain, getChainHandler(context));
  add(t.listChains, listChainsHandler(context));
  add(t.getDependencies, getDependenciesHandler(context));
  add(t.getChildren, getChildrenHandler(context));

  add(q.listQueues, listQueuesHandler(context));
  command(q.pauseQueue, { verb: Verb.PAUSE_QUEUE, check: door.checkPauseQueue, schema: queues.PauseQueueRequestSchema });
  command(q.resumeQueue, { verb: Verb.RESUME_QUEUE, check: door.checkResumeQueue, schema: queues.ResumeQueueRequestSchema });
  command(q.drainQueue, { verb: Verb.DRAIN_QUEUE, check: door.checkDrainQueue, schema: queues.DrainQueueRequestSchema });
  command(q.clearQueue, { verb: Verb.CLEAR_QUEUE, check: door.checkClearQueue, schema: queues.ClearQueueRequestSchema });
  command(q.destroyQueue, { verb: Verb.DESTROY_QUEUE, check: door.checkDestroyQueue, schema: queues.DestroyQueueRequestSchema });
  command(q.setConcurrency, { verb: Verb.SET_CONCURRENCY, check: door.checkSetConcurrency, schema: queues.SetConcurrencyRequestSchema });
  command(q.setDepthLimit, { verb: Verb.SET_DEPTH_LIMIT, check: door.checkSetDepthLimit, schema: queues.SetDepthLimitRequestSchema });
  command(q.setThrottle, { verb: Verb.SET_THROTTLE, check: door.checkSetThrottle, schema: queues.SetThrottleRequestSchema });
  command(q.removeThrottle, { verb: Verb.REMOVE_THROTTLE, check: door.checkRemoveThrottle, schema: queues.RemoveThrottleRequestSchema });
  scheduleRoutes(context, add);

  add(event.EventService.method.listEvents, listEventsHandler(context));
  add(explain.ExplainService.method.explainJob, explainJobHandler(context));
  add(h.listWebhooks, listWebhooksHandler(context));
  add(h.setWebhook, setWebhookHandler(context));
  add(h.listWebhookDeliveries, listWebhookDeliveriesHandler(context));
  add(h.deleteWebhook, namespacedHandler(context, { verb: Verb.DELETE_WEBHOOK, check: door.checkDeleteWebhook, schema: webhook.DeleteWebhookRequestSchema }));
  add(
    h.redeliverWebhook,
    namespacedHandler(context, { verb: Verb.REDELIVER_WEBHOOK, check: door.checkRedeliverWebhook, schema: webhook.RedeliverWebhookRequestSchema }),
  );
  add(h.testWebhook, namespacedHandler(context, { verb: Verb.TEST_WEBHOOK, check: door.checkTestWebhook, schema: webhook.TestWebhookRequestSchema }));

  add(a.listIterations, listIterationsHandler(context));
  command(a.replayJob, { verb: Verb.REPLAY, check: door.checkReplayJob, schema: agents.ReplayJobRequestSchema, newWork: true });
  add(a.listApprovalPolicies, listApprovalPoliciesHandler(context));
  add(
    a.setApprovalPolicy,
    namespacedHandler(context, { verb: Verb.SET_POLICY, check: door.checkSetApprovalPolicy, schema: agents.SetApprovalPolicyRequestSchema }),
  );
  add(a.deleteApprovalPolicy, deleteApprovalPolicyHandler(context));

  add(b.listBudgets, listBudgetsHandler(context));
  add(b.setBudget, setBudgetHandler(context));
  add(b.deleteBudget, deleteBudgetHandler(context));
  add(b.getUsageSummary, usageSummaryHandler(context));
  add(b.getBillingSummary, billingSummaryHandler(context));

  for (const [name, handler] of Object.entries(adminHandlers(context))) add(admin.AdminService.method[name as keyof typeof admin.AdminService.method], handler);
  add(c.getClusterStatus, clusterStatusHandler(context, facts));
  add(c.listWorkers, listWorkersHandler(context, workers));
  for (const { method, handler } of workerOrderRoutes(context, workers)) add(method, handler);
  for (const { method, handler } of authRoutes(context)) add(method, handler);
  for (const service of new Set(routes.map(({ method }) => method.parent))) {
    for (const method of service.methods)
      if (!routes.some((route) => route.method === method)) throw new Error(`${service.typeName}/${method.name} has no handler`);
  }
  return readsSaySeen(context, routes);
}

const nothing = new Uint8Array(0);

const stepReader = new StepRequestReader();
/** A step without jobs is an acknowledgement, which is taken as long as anything is. */
const addsJobs = (body: Uint8Array): boolean => stepReader.read(body, 0, body.length).jobsCount > 0;

function wishOf(reader: FetchRequestReader | FetchBatchRequestReader): (body: Uint8Array) => FetchWish {
  return (body) => {
    const r = reader.read(body, 0, body.length);
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const queues = Array.from({ length: r.queuesCount }, (_, i) => text.toString("utf8", r.queuesStart[i], r.queuesEnd[i]));
    return { queues, leaseSeconds: r.leaseDuration, workerId: text.toString("utf8", r.workerIdStart, r.workerIdEnd) };
  };
}

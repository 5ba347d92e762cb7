import { QuietWorkerRequestReader } from "@corvo/gen/corvo/v1/cluster_fast.js";
import { ClusterService, QuietWorkerRequestSchema, ResumeWorkerRequestSchema, StopWorkerRequestSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import * as door from "@corvo/protocol";
import { Verb } from "@corvo/protocol";
import { type Route, RpcError, type UnaryHandler } from "@corvo/transport";
import { namespaceOf, type WorkerTable } from "../worker-table.js";
import { atTheDoor, type CommandRule, commandHandler } from "./command.js";
import { type HandlerContext, namespaceName } from "./context.js";

const reader = new QuietWorkerRequestReader();

/** What operators tell workers. */
export function workerOrderRoutes(context: HandlerContext, table: WorkerTable): Pick<Route, "method" | "handler">[] {
  const c = ClusterService.method;
  const handler = (rule: CommandRule) => orderHandler(context, table, rule);
  return [
    { method: c.quietWorker, handler: handler({ verb: Verb.QUIET_WORKER, check: door.checkQuietWorker, schema: QuietWorkerRequestSchema }) },
    { method: c.stopWorker, handler: handler({ verb: Verb.STOP_WORKER, check: door.checkStopWorker, schema: StopWorkerRequestSchema }) },
    { method: c.resumeWorker, handler: handler({ verb: Verb.RESUME_WORKER, check: door.checkResumeWorker, schema: ResumeWorkerRequestSchema }) },
  ];
}

/** A command as any other, for a worker that is listed or has an order; then its fetches that sleep go by it. */
function orderHandler(context: HandlerContext, table: WorkerTable, rule: CommandRule): UnaryHandler {
  const plain = commandHandler(context, rule);
  return {
    kind: "unary",
    async handle(call, request) {
      const { body } = atTheDoor(context, call, rule, request);
      const r = reader.read(body, 0, body.length);
      const id = Buffer.from(body.subarray(r.idStart, r.idEnd)).toString();
      const namespace = namespaceName(call);
      if (context.replica.engine.workerOrder(namespace, id) === "" && !isListed(context, table, namespace, id))
        throw new RpcError("not_found", "NOT_FOUND", `worker "${id}" not found`, { field: "id" });
      const answer = await plain.handle(call, body);
      context.workerOrders.changed(namespace, id);
      return answer;
    },
  };
}

function isListed({ replica }: HandlerContext, table: WorkerTable, namespace: string, id: string): boolean {
  return table.has(namespace, id) || replica.engine.workers().some((w) => w.id === id && namespaceOf(w.queues) === namespace);
}

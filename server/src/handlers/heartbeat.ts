import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ResumeWorkerRequestSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { HeartbeatRequestReader, HeartbeatResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { HeartbeatRequestSchema, type WorkerFacts, WorkerFactsSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { checkHeartbeat, isRefusal, Verb, validateOnly } from "@corvo/protocol";
import type { UnaryHandler } from "@corvo/transport";
import { namespaceOf, type WorkerTable } from "../worker-table.js";
import { atTheDoor, commandHandler, lookedAt } from "./command.js";
import { type HandlerContext, namespaceName, toRpcError } from "./context.js";

const reader = new HeartbeatRequestReader();
const rule = { verb: Verb.HEARTBEAT, check: checkHeartbeat, schema: HeartbeatRequestSchema };

/** Heartbeat: what it says about jobs is a command as any other, what it says about the worker is noted here. */
export function heartbeatHandler(context: HandlerContext, table: WorkerTable): UnaryHandler {
  const plain = commandHandler(context, rule);
  return {
    kind: "unary",
    async handle(call, request) {
      if (!tellsFacts(request)) return plain.handle(call, request);
      const command = atTheDoor(context, call, rule, request);
      if (validateOnly(command.body)) return lookedAt(context, call, command);
      const r = reader.read(command.body, 0, command.body.length);
      const jobs = r.jobsCount;
      const facts = fromBinary(WorkerFactsSchema, command.body.subarray(r.workerStart, r.workerEnd));
      const namespace = namespaceName(call);
      if (!facts.leaving) table.hear(namespace, facts);
      const told = (): string => context.workerOrders.of(namespace, facts.queues, facts.workerId);
      if (jobs > 0) {
        const answer = await plain.handle(call, command.body);
        if (facts.leaving) await leave(context, table, namespace, facts);
        return withOrder(answer, told());
      }
      const refusal = await context.replica.validate(command);
      if (refusal !== undefined) throw toRpcError(refusal);
      if (facts.leaving) await leave(context, table, namespace, facts);
      return withOrder(nothing, told());
    },
  };
}

const nothing = new Uint8Array(0);
const w = new Writer(512);

/** The engine's answer and what the worker is to do. */
function withOrder(answer: Uint8Array, order: string): Uint8Array {
  if (order === "") return answer;
  w.reset();
  putText(w, HeartbeatResponseTag.order, order);
  return Buffer.concat([answer, w.view()]);
}

/** Its last word: an order was for this run of it, and whoever takes its name may fetch. */
async function leave(context: HandlerContext, table: WorkerTable, namespace: string, facts: WorkerFacts): Promise<void> {
  table.forget(namespace, facts);
  const { workerId: id, queues } = facts;
  if (context.workerOrders.of(namespace, queues, id) === "") return;
  const owner = namespace || namespaceOf(queues);
  const body = toBinary(ResumeWorkerRequestSchema, create(ResumeWorkerRequestSchema, { id }));
  const said = await context.replica.call({ verb: Verb.RESUME_WORKER, flags: 0, namespace: owner, principal: "", requestHash: undefined, body });
  if (isRefusal(said)) throw toRpcError(said);
  context.workerOrders.changed(owner, id);
}

function tellsFacts(request: Uint8Array): boolean {
  try {
    return reader.read(request, 0, request.length).hasWorker;
  } catch {
    return false; // malformed: the door says so
  }
}

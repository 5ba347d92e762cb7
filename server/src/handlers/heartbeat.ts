import { fromBinary } from "@bufbuild/protobuf";
import { HeartbeatRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { HeartbeatRequestSchema, WorkerFactsSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { checkHeartbeat, Verb, validateOnly } from "@corvo/protocol";
import type { UnaryHandler } from "@corvo/transport";
import type { WorkerTable } from "../worker-table.js";
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
      table.hear(namespaceName(call), fromBinary(WorkerFactsSchema, command.body.subarray(r.workerStart, r.workerEnd)));
      if (r.jobsCount > 0) return plain.handle(call, command.body);
      const refusal = await context.replica.validate(command);
      if (refusal !== undefined) throw toRpcError(refusal);
      return new Uint8Array(0);
    },
  };
}

function tellsFacts(request: Uint8Array): boolean {
  try {
    return reader.read(request, 0, request.length).hasWorker;
  } catch {
    return false; // malformed: the door says so
  }
}

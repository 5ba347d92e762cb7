import { create, toBinary } from "@bufbuild/protobuf";
import { FetchRequestSchema, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { checkFetch, Verb } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { Call } from "@corvo/transport";
import { expect, it } from "vitest";
import type { HandlerContext } from "../src/handlers/context.js";
import { fetchHandler } from "../src/handlers/fetch.js";
import { resolveServerOptions } from "../src/index.js";
import { WorkerOrders } from "../src/worker-orders.js";

/** What the handler hands to the replica, to be driven by hand. */
interface Wait {
  reply: { none(): void };
  sleeps(sleeper: { cancel(): void }): void;
}

function callThatMayLeave(): { call: Call; leave(): void } {
  const gone: (() => void)[] = [];
  const state = { aborted: false };
  const call = {
    method: WorkerService.method.fetch,
    protocol: "connect" as const,
    header: () => undefined,
    *headers() {},
    addHeader() {},
    addTrailer() {},
    peer: "",
    deadlineMs: undefined,
    get aborted() {
      return state.aborted;
    },
    onAbort: (run: () => void) => void gone.push(run),
    principal: undefined,
  };
  return {
    call,
    leave() {
      state.aborted = true;
      for (const run of gone) run();
    },
  };
}

it("a caller that leaves while an attempt is on its way does not sleep again", async () => {
  let wait: Wait | undefined;
  const replica = {
    engine: {},
    fetch: (_command: unknown, _queues: unknown, _ms: number, reply: Wait["reply"], sleeps: Wait["sleeps"]) => (wait = { reply, sleeps }),
  };
  const workerOrders = new WorkerOrders(replica as unknown as Replica);
  const context = { replica, workerOrders, options: resolveServerOptions({}, {}) } as unknown as HandlerContext;
  const handler = fetchHandler(
    context,
    { verb: Verb.FETCH, check: checkFetch, schema: FetchRequestSchema },
    () => ({ queues: ["q"], leaseSeconds: 30, workerId: "" }),
    new Uint8Array(0),
  );
  const { call, leave } = callThatMayLeave();
  const answer = handler.handle(call, toBinary(FetchRequestSchema, create(FetchRequestSchema, { queues: ["q"] })));
  let cancelled = 0;
  const sleeper = { cancel: () => void cancelled++ };
  wait?.sleeps(sleeper); // sleeps, is woken by a job, and another fetch takes that job first
  leave();
  wait?.sleeps(sleeper);
  expect(cancelled).toBeGreaterThanOrEqual(2);
  expect(await answer).toHaveLength(0);
});

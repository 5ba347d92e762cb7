import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  EnqueueRequestSchema,
  EnqueueResponseSchema,
  LifecycleStreamRequestSchema,
  LifecycleStreamResponseSchema,
  SubscribeEventSchema,
  SubscribeRequestSchema,
  WorkerService,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { createListener, type Listener, type ListenerOptions, type Route, RpcError } from "../src/index.js";

/**
 * Small handlers over WorkerService's shapes. Enqueue answers with the queue's name as the job's id; the payload may ask for
 * more: `refuse`, `crash`, `wait`. StreamLifecycle answers each frame with its request id. Subscribe sends `last_event_id` events.
 */
export function routes(hot: boolean, started: (name: string) => void = () => {}): Route[] {
  return [
    {
      method: WorkerService.method.enqueue,
      hot,
      handler: {
        kind: "unary",
        async handle(call, bytes) {
          started("enqueue");
          const request = read(EnqueueRequestSchema, bytes);
          if (request.payloadJson === "refuse")
            throw new RpcError("failed_precondition", "STALE_FENCE", "that fence is stale: 50 %", { field: "fence", retryAfterMs: 7 });
          if (request.payloadJson === "crash") throw new Error("secret of the house");
          if (request.payloadJson === "wait") await new Promise<void>((resolve) => call.onAbort(resolve));
          if (request.payloadJson.startsWith("sleep ")) await new Promise((resolve) => setTimeout(resolve, Number(request.payloadJson.slice(6))));
          if (request.queue === "principal") return toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: String(call.principal) }));
          call.addHeader("x-seen", String(request.payloadJson.length));
          call.addTrailer("x-after", "done");
          return toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: request.queue, status: "pending" }));
        },
      },
    },
    {
      method: WorkerService.method.streamLifecycle,
      hot,
      singleExchange: true,
      handler: {
        kind: "bidi",
        open(_call, out) {
          started("stream");
          return {
            async message(bytes) {
              const request = read(LifecycleStreamRequestSchema, bytes);
              if (request.workerId === "refuse") throw new RpcError("resource_exhausted", "STREAMS", "too many open lifecycle streams");
              if (request.workerId === "end") {
                out.end();
                return;
              }
              await out.send(
                toBinary(
                  LifecycleStreamResponseSchema,
                  create(LifecycleStreamResponseSchema, { requestId: request.requestId, error: "x".repeat(request.fetchCount) }),
                ),
              );
            },
            end() {},
          };
        },
      },
    },
    {
      method: WorkerService.method.subscribe,
      hot,
      handler: {
        kind: "server_stream",
        async handle(call, bytes, out) {
          started("subscribe");
          const request = read(SubscribeRequestSchema, bytes);
          for (let seq = 1n; seq <= request.lastEventId && !call.aborted; seq++) {
            await out.send(toBinary(SubscribeEventSchema, create(SubscribeEventSchema, { seq, dataJson: request.types[0] ?? "" })));
          }
          if (request.queues[0] === "stay") await new Promise<void>((resolve) => call.onAbort(resolve));
        },
      },
    },
    {
      method: WorkerService.method.getServerInfo,
      hot,
      handler: { kind: "unary", handle: () => new Uint8Array(0) },
    },
  ];
}

/** As handlers must: what is not the message is the caller's fault. */
function read<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", "malformed protobuf");
  }
}

export interface Served {
  listener: Listener;
  port: number;
  url: string;
  errors: unknown[];
  abuse: string[];
  started: string[];
}

export async function serve(options: Partial<ListenerOptions> & { hot?: boolean } = {}): Promise<Served> {
  const errors: unknown[] = [];
  const abuse: string[] = [];
  const started: string[] = [];
  const listener = createListener({
    routes: routes(options.hot ?? true, (name) => started.push(name)),
    http: (_request, response) => {
      response.statusCode = 404;
      response.end("404 page not found");
    },
    onError: (cause) => errors.push(cause),
    observe: { abuse: (why) => abuse.push(why) },
    ...options,
  });
  const { port } = await listener.listen(0);
  return { listener, port, url: `http://127.0.0.1:${port}`, errors, abuse, started };
}

export const enqueueBytes = (queue: string, payloadJson = ""): Uint8Array =>
  toBinary(EnqueueRequestSchema, create(EnqueueRequestSchema, { queue, payloadJson }));
export const frameBytes = (requestId: bigint, fetchCount = 0, workerId = ""): Uint8Array =>
  toBinary(LifecycleStreamRequestSchema, create(LifecycleStreamRequestSchema, { requestId, fetchCount, workerId }));

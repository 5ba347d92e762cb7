import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@corvo/gen/health/v1/health_pb.js";
import type { Call, MessageSink, Route } from "./rpc.js";
import { RpcError } from "./rpc.js";

/** `grpc.health.v1`: what load balancers and orchestrators ask a gRPC server. */
export interface HealthService {
  /** Check, Watch and List. */
  routes: Route[];
  /** Sets the server as a whole (asked as the empty name) and every service at once. Watchers hear of a change, not of a repetition. */
  set(serving: boolean): void;
  /** Sets one service. Throws when it is none of those given at the start. */
  setService(name: string, serving: boolean): void;
}

/** `services`: full names, for example `corvo.v1.WorkerService`. All of them, and the server, start as not serving. */
export function createHealth(services: readonly string[]): HealthService {
  const states = new Map<string, Status>(["", ...services].map((name) => [name, Status.NOT_SERVING]));
  const watchers = new Set<() => void>();
  const change = (names: Iterable<string>, serving: boolean): void => {
    for (const name of names) states.set(name, serving ? Status.SERVING : Status.NOT_SERVING);
    for (const wake of [...watchers]) wake();
  };
  const answer = (status: Status): Uint8Array => toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status }));

  /** Sends the state now and after each change, until the caller goes. A caller that reads slowly gets the last state, not all of them. */
  const watch = async (call: Call, name: string, out: MessageSink): Promise<void> => {
    let wake = (): void => {};
    let sent: Status | undefined;
    const woken = (): void => wake();
    watchers.add(woken);
    call.onAbort(woken);
    try {
      while (!call.aborted) {
        const now = states.get(name) ?? Status.SERVICE_UNKNOWN;
        if (now === sent) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else {
          sent = now;
          await out.send(answer(now));
        }
      }
    } finally {
      watchers.delete(woken);
    }
  };

  return {
    routes: [
      {
        method: Health.method.check,
        hot: false,
        handler: {
          kind: "unary",
          handle(_, request) {
            const name = serviceOf(request);
            const status = states.get(name);
            if (status === undefined) throw new RpcError("not_found", "NOT_FOUND", `service ${JSON.stringify(name)} is not known here`, { field: "service" });
            return answer(status);
          },
        },
      },
      { method: Health.method.watch, hot: false, handler: { kind: "server_stream", handle: (call, request, out) => watch(call, serviceOf(request), out) } },
      {
        method: Health.method.list,
        hot: false,
        handler: {
          kind: "unary",
          handle: () =>
            toBinary(
              HealthListResponseSchema,
              create(HealthListResponseSchema, { statuses: Object.fromEntries([...states].map(([name, status]) => [name, { status }])) }),
            ),
        },
      },
    ],
    set: (serving) => change([...states.keys()], serving),
    setService(name, serving) {
      if (!states.has(name)) throw new Error(`no service ${name}`);
      change([name], serving);
    },
  };
}

function serviceOf(request: Uint8Array): string {
  try {
    return fromBinary(HealthCheckRequestSchema, request).service;
  } catch {
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", "the message is not a HealthCheckRequest");
  }
}

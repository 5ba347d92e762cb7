import type { IncomingHttpHeaders } from "node:http2";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { binaryCodec, jsonCodec, type MessageCodec } from "../core/codec.js";
import { acceptPost, type RpcType, rpcType } from "../core/content-type.js";
import type { LaneContext } from "../core/context.js";
import type { Route } from "../rpc.js";
import type { Exchange } from "./exchange.js";
import { StreamCall } from "./stream.js";
import { UnaryCall } from "./unary.js";

/** Where a request to an RPC path goes: to a lane, or straight back. */
export type Admission = { lane: "fast"; type: RpcType } | { lane: "slow" } | { lane: "refused"; status: number; headers: Record<string, string> };

const slow: Admission = { lane: "slow" };

/** What follows from method, path and headers alone, the same for both lanes. */
export function admit(route: Route, verb: string, header: IncomingHttpHeaders, http2: boolean): Admission {
  const { method } = route;
  const unary = method.methodKind === "unary";
  const single = route.singleExchange === true;
  if (verb !== "POST") {
    if (verb === "GET" && unary && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return slow;
    return { lane: "refused", status: 405, headers: { allow: "POST" } };
  }
  const type = rpcType(header["content-type"]);
  const fits = type !== undefined && (type.protocol !== "connect" || (type.enveloped ? !unary : unary || single));
  if (!http2 && method.methodKind === "bidi_streaming" && !(fits && !type.enveloped)) {
    // A caller that waits for two directions on HTTP/1.1 would wait for ever: end its connection.
    return { lane: "refused", status: 505, headers: { connection: "close" } };
  }
  if (!fits) return { lane: "refused", status: 415, headers: { "accept-post": acceptPost(unary, single) } };
  const oneOfMany = !unary && !type.enveloped;
  if ((!route.hot && !oneOfMany) || type.protocol === "grpc-web" || (type.protocol === "grpc" && !http2)) return slow;
  const encoding = header[type.protocol === "grpc" ? "grpc-encoding" : type.enveloped ? "connect-content-encoding" : "content-encoding"];
  if (encoding !== undefined && encoding !== "identity") return slow;
  return { lane: "fast", type };
}

/** Serves what `admit` sent here. */
export class FastLane {
  readonly #json = new Map<Route, MessageCodec>();
  constructor(readonly context: LaneContext) {}

  serve(route: Route, path: string, type: RpcType, exchange: Exchange): void {
    const codec = type.json ? this.#jsonCodec(route) : binaryCodec;
    const call = type.enveloped ? new StreamCall(this.context, route, exchange, type, codec) : new UnaryCall(this.context, route, exchange, type, codec);
    call.start(path);
  }

  #jsonCodec(route: Route): MessageCodec {
    let codec = this.#json.get(route);
    if (codec === undefined) this.#json.set(route, (codec = jsonCodec(route.method, this.context.registry)));
    return codec;
  }
}

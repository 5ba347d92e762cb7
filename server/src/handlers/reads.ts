import type { DescMessage } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { type Call, type Route, RpcError, seenHeader, type UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";

/** Every request that reads has `min_index` under this number, every answer `log_index` under the next. */
const minIndexField = 191;
const logIndexField = 192;
/** How long a read waits for an index that this node has not seen. */
export const waitMsMax = 5_000;
/** How often it looks. */
const lookMs = 5;

/**
 * A read from the engine: waits for the index that the caller asks for, and says which one it has seen, in the header `Corvo-Log-Index`
 * and, where the answer has the field, in `log_index`.
 */
export function read(context: HandlerContext, answer: DescMessage, handler: UnaryHandler): UnaryHandler {
  const says = answer.fields.some((field) => field.number === logIndexField);
  return {
    kind: "unary",
    async handle(call, request) {
      await applied(context, call, minIndexOf(request));
      const index = context.replica.engine.appliedIndex;
      saySeen(call, index);
      const bytes = await handler.handle(call, request);
      return says ? withIndex(bytes, index) : bytes;
    },
  };
}

/** Before the answer is looked for: so refusals say it too, as whether something is not there, or not there yet. */
export function saySeen(call: Call, index: number): void {
  call.addHeader(seenHeader, String(index));
}

/** Unary methods without side effects say which index they have seen, and wait for the one that is asked for; searches do it themselves. */
export function readsSaySeen(context: HandlerContext, routes: readonly Route[]): Route[] {
  return routes.map((route) => {
    const { method, handler } = route;
    const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && handler.kind === "unary";
    if (!reads || ownWay.has(method.name)) return route;
    return { ...route, handler: read(context, method.output, handler) };
  });
}

/** Those that ask the view, and those that read nothing of what the log says. */
const ownWay = new Set(["SearchJobs", "SearchFulltext", "PreviewBulk", "GetChildren", "GetServerInfo", "CaptureProfile"]);

/** The index that a caller wants to be seen; 0: any. */
export function minIndexOf(request: Uint8Array): number {
  let found = 0;
  for (let at = 0; at < request.length; ) {
    const tag = varint(request, at);
    const wire = tag.value % 8;
    const field = Math.floor(tag.value / 8);
    at = tag.end;
    if (wire === 0) {
      const value = varint(request, at);
      if (field === minIndexField) found = value.value;
      at = value.end;
    } else if (wire === 2) {
      const length = varint(request, at);
      at = length.end + length.value;
    } else at += wire === 1 ? 8 : 4;
  }
  return found;
}

function varint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, shift = 1; at < bytes.length; at++, shift *= 128) {
    value += (bytes[at] & 127) * shift;
    if (bytes[at] < 128) return { value, end: at + 1 };
  }
  return { value: 0, end: bytes.length }; // not a message: the decoder says so
}

function withIndex(bytes: Uint8Array, index: number): Uint8Array {
  const tail: number[] = [];
  for (let rest = logIndexField * 8, part = 0; part < 2; part++, rest = index) {
    for (; rest > 127; rest = Math.floor(rest / 128)) tail.push((rest % 128) | 128);
    tail.push(rest);
  }
  const longer = new Uint8Array(bytes.length + tail.length);
  longer.set(bytes);
  longer.set(tail, bytes.length);
  return longer;
}

/** Waits until this node has seen an index. */
export async function applied(context: HandlerContext, call: Call, index: number): Promise<void> {
  const { engine } = context.replica;
  const untilMs = Math.min(performance.now() + waitMsMax, call.deadlineMs ?? Number.POSITIVE_INFINITY);
  while (engine.appliedIndex < index && !call.aborted) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) throw behind(engine.appliedIndex, index);
    await new Promise<void>((resolve) => setTimeout(resolve, Math.min(leftMs, lookMs)));
  }
}

export function behind(seen: number, wanted: number): RpcError {
  return new RpcError("unavailable", "BEHIND", `this node has seen log index ${seen}, not yet ${wanted}`, { field: "min_index", retryAfterMs: 100 });
}

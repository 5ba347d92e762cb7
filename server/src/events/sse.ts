import type { ServerResponse } from "node:http";
import { corsHeaders, type NodeRequest, type NodeResponse, seenHeader, serverTiming } from "@corvo/transport";
import { withoutChunks } from "./block.js";
import { EventFilter, type EventView } from "./filter.js";
import type { EventHub, Outlet, Subscription } from "./hub.js";

const keepaliveText = ":keepalive\n\n";
const keepaliveChunk = Buffer.from(`${keepaliveText.length.toString(16)}\r\n${keepaliveText}\r\n`);

/**
 * `GET /api/v1/events`: events as server-sent events. Over HTTP/1.1 each event is a chunk of its own (parsers of v0.3 lose what is split),
 * but those of one turn go out in one write: the bytes come framed and are written as they are. `seen`: the log index that the node has
 * applied; all that happened up to it is among the events, or was before the place where the stream begins.
 */
export function serveEvents(hub: EventHub, req: NodeRequest, res: NodeResponse, startMs: number, seen: number, view?: EventView): void {
  const url = req.url ?? "";
  const mark = url.indexOf("?");
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  const list = (name: string): string[] =>
    query
      .getAll(name)
      .flatMap((text) => text.split(","))
      .map((text) => text.trim())
      .filter((text) => text !== "");
  const filter = new EventFilter({ queues: list("queues"), jobIds: list("job_ids"), types: list("types") }, view);
  const header = req.headers["last-event-id"];
  // A browser that reconnects says in the header where it was; the query is then the place where it first began.
  const after =
    position(typeof header === "string" ? header : undefined) ?? position(query.get("last_event_id")) ?? (query.get("from") === "now" ? undefined : 0);
  const http1 = req.httpVersionMajor === 1;
  const outgoing = res as ServerResponse;
  outgoing.writeHead(200, [
    ...["Server-Timing", serverTiming(performance.now() - startMs), seenHeader, String(seen), ...corsHeaders],
    ...["Content-Type", "text/event-stream", "Cache-Control", "no-cache"],
    ...(http1 ? ["Connection", "keep-alive"] : []),
  ]);
  outgoing.flushHeaders();
  // HTTP/1.0 has no chunks, and no reader of events either.
  const framed = http1 && outgoing.chunkedEncoding;
  if (framed) outgoing.chunkedEncoding = false;
  const taken = (): void => subscription.resume();
  const outlet: Outlet = {
    form: "sse",
    // One piece at a time: what waits in this process is written in turns of the event loop that nobody counts.
    ready: () => !(outgoing.writableLength > 0),
    unsent: () => outgoing.writableLength || 0,
    write: (bytes) => void outgoing.write(framed ? bytes : withoutChunks(bytes), taken),
    keepalive: () => void outgoing.write(framed ? keepaliveChunk : keepaliveText),
    end: () => void outgoing.end(framed ? "0\r\n\r\n" : undefined),
    giveUp: () => outgoing.destroy(),
  };
  const subscription: Subscription = hub.subscribe(filter, after, outlet);
  outgoing.on("close", () => subscription.close());
  outgoing.on("error", () => subscription.close());
}

/** A sequence number; undefined: it is none. */
function position(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

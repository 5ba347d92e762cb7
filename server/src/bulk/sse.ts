import type { ServerResponse } from "node:http";
import { bulkStateNames, EntityKind } from "@corvo/engine";
import { corsHeaders, type NodeRequest, type NodeResponse, seenHeader, serverTiming } from "@corvo/transport";
import { ownerNumber } from "../auth/names.js";
import type { Principal } from "../auth/principal.js";
import { follow } from "../handlers/bulk.js";
import type { HandlerContext } from "../handlers/context.js";

const keepaliveMs = 15_000;

/** The task of `/api/v1/bulk/{id}/progress`; undefined: it is another path. */
export function progressTask(path: string): string | undefined {
  return /^\/api\/v1\/bulk\/([0-9a-z_]{1,64})\/progress$/.exec(path)?.[1];
}

/** A bulk operation's progress as server-sent events. A task that has ended gives one event at once; two readers get the same. */
export function serveBulkProgress(
  context: Pick<HandlerContext, "replica">,
  id: string,
  _req: NodeRequest,
  res: NodeResponse,
  startMs: number,
  principal: Principal | undefined,
): void {
  const out = res as ServerResponse;
  const { engine } = context.replica;
  const owner = engine.ownerOf([EntityKind.bulkTask], id);
  const head = ["Server-Timing", serverTiming(performance.now() - startMs), seenHeader, String(engine.appliedIndex), ...corsHeaders];
  if (engine.bulkTask(id) === undefined || (principal !== undefined && owner !== undefined && owner !== ownerNumber(engine, principal))) {
    const body = `${JSON.stringify({ error: `bulk task "${id}" not found`, code: "NOT_FOUND", field: "id" })}\n`;
    out.writeHead(404, [...head, "Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(body))]);
    out.end(body);
    return;
  }
  out.writeHead(200, [...head, "Content-Type", "text/event-stream", "Cache-Control", "no-cache"]);
  out.flushHeaders();
  const life = setInterval(() => out.write(":keepalive\n\n"), keepaliveMs);
  const call = { aborted: false };
  out.once("close", () => {
    call.aborted = true;
    clearInterval(life);
  });
  void follow(context as HandlerContext, id, call, (type, task) => {
    const percent = task.total === 0 ? 100 : Math.floor((task.processed * 100) / task.total);
    const { affected, total, processed } = task;
    const data = { type, task_id: id, status: bulkStateNames[task.state], affected, total, processed, percent, created_at_ns: task.stepMs * 1e6 };
    out.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }).finally(() => out.end());
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { areaAnswers } from "./answers/index.js";
import { authAnswers } from "./auth-answers.js";
import { eventAnswers } from "./fake-events.js";

export const jobA = "job_18a3f7c2e41b9a000000000c41";
export const jobB = "job_18a3f7c2e41b9a000000000c77";

export interface Seen {
  method: string;
  /** Path and query as sent. */
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** What a route answers: a fixed body, or a function that has the connection. */
type Reply = { status: number; text: string } | ((seen: Seen, response: ServerResponse) => void);

/** Speaks just enough REST to try the command line against: fixed answers by method and path, and a record of what came. */
export class FakeServer {
  readonly seen: Seen[] = [];
  /** Connections that closed before their answer was written. */
  abandoned = 0;
  url = "";
  private readonly server: Server;
  private readonly replies = new Map<string, Reply>();

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** `route` is like `POST /api/v1/enqueue`; text is sent as it is, other bodies as JSON and a newline. */
  on(route: string, status: number, body: unknown): this {
    this.replies.set(route, { status, text: typeof body === "string" ? body : `${JSON.stringify(body)}\n` });
    return this;
  }

  onCall(route: string, reply: (seen: Seen, response: ServerResponse) => void): this {
    this.replies.set(route, reply);
    return this;
  }

  reset(): void {
    this.seen.length = 0;
    this.abandoned = 0;
    this.replies.clear();
    usualAnswers(this);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen: Seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.seen.push(seen);
    response.on("close", () => {
      if (!response.writableFinished) this.abandoned++;
    });
    const reply = this.replies.get(`${seen.method} ${seen.path}`) ?? this.replies.get(`${seen.method} ${seen.path.split("?")[0]}`);
    if (typeof reply === "function") return reply(seen, response);
    response.writeHead(reply?.status ?? 404, { "Content-Type": reply ? "application/json" : "text/plain" });
    response.end(reply?.text ?? "404 page not found\n");
  }
}

export const queueRow = {
  name: "emails.send",
  paused: false,
  created_at: "2026-01-01T00:00:00Z",
  pending: 1204,
  active: 44,
  held: 0,
  completed: 9,
  dead: 312,
  scheduled: 3,
  retrying: 1,
  cancelled: 0,
  enqueued: 1573,
  failed: 0,
  oldest_pending_at: "2026-01-01T11:42:00Z",
};
export const fetchedText = `{"job_id":"${jobA}","queue":"emails.send","payload":{"to":"ada@example.com","n":1.0},"attempt":1,"max_retries":3,"lease_duration":60,"fence":9007199254740993}\n`;

function usualAnswers(server: FakeServer): void {
  eventAnswers(server);
  authAnswers(server);
  server.on("POST /api/v1/enqueue", 201, { job_id: jobA, status: "pending", unique_existing: false });
  server.on("POST /api/v1/fetch", 200, fetchedText);
  server.on("POST /api/v1/fetch/batch", 200, `{"jobs":[${fetchedText.trim()},${fetchedText.trim().replace(jobA, jobB)}]}\n`);
  server.on("GET /api/v1/queues", 200, [
    queueRow,
    { ...queueRow, name: "reports.build", paused: true, pending: 0, oldest_pending_at: undefined, max_concurrency: 5, rate_limit: 100, rate_window_ms: 60000 },
  ]);
  server.on("GET /api/v1/workers", 200, [
    {
      id: "w-1",
      hostname: "mbp",
      queues: '["emails.send","reports.build"]',
      last_heartbeat: "2026-01-01T11:59:57Z",
      started_at: "2026-01-01T11:00:00Z",
      active: 2,
      sdk: "corvo-typescript",
      sdk_version: "0.4.0",
      slots: 10,
    },
  ]);
  server.on("GET /api/v1/cluster/status", 200, {
    mode: "cluster",
    state: "Leader",
    status: "healthy",
    leader_id: "node-1",
    node_id: "node-1",
    applied_index: "1234",
    term: 2,
    raft_nosync: false,
    live_jobs: 1251,
    nodes: [{ id: "node-1", address: "127.0.0.1:9000", voter: true }],
  });
  for (const id of [jobA, jobB]) {
    server.on(
      `GET /api/v1/jobs/${id}`,
      200,
      `{"id":"${id}","queue":"emails.send","state":"dead","payload":{"n":1.0,"html":"\\u003cb\\u003e"},"fence":18446744073709551615}\n`,
    );
    const words = { retry: "retried", cancel: "cancelling", hold: "held", approve: "pending", reject: "dead", move: "moved" };
    for (const [verb, status] of Object.entries(words)) server.on(`POST /api/v1/jobs/${id}/${verb}`, 200, { status });
    server.on(`DELETE /api/v1/jobs/${id}`, 200, { status: "deleted" });
    server.on(`POST /api/v1/ack/${id}`, 200, { status: "ok" });
    server.on(`POST /api/v1/jobs/${id}/step`, 200, { state: "completed", job_ids: [] });
    server.on(`POST /api/v1/release/${id}`, 200, { status: "released" });
    server.on(`POST /api/v1/fail/${id}`, 200, { status: "retrying", next_attempt_at: "2026-01-01T12:00:05Z", attempts_remaining: 1 });
  }
  for (const queue of ["emails.send", "reports.build", "emails.test"]) {
    const words = { pause: "paused", resume: "resumed", drain: "draining", clear: "cleared", concurrency: "ok", depth: "ok", throttle: "ok" };
    for (const [verb, status] of Object.entries(words)) server.on(`POST /api/v1/queues/${queue}/${verb}`, 200, { status });
    server.on(`DELETE /api/v1/queues/${queue}/throttle`, 200, { status: "ok" });
    server.on(`DELETE /api/v1/queues/${queue}`, 200, { status: "deleted" });
  }
  server.on("GET /api/v1/info", 200, { server_version: "0.4.0", api_version: "0.3.0" });
  areaAnswers(server);
}

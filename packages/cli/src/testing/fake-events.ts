import { type FakeServer, jobA } from "./fake-server.js";

const hook = "wh_18a3f7c2e41b9a000000000c41";
const events = [1, 2, 3].map((seq) => ({
  at_ns: 1767268800000000000,
  job_id: jobA,
  queue: "emails.send",
  seq,
  type: ["enqueued", "started", "failed"][seq - 1],
  index: 10 + seq,
  attempt: seq > 1 ? 1 : undefined,
  worker_id: seq > 1 ? "w-1" : undefined,
  reason: seq === 3 ? "SMTP 535 auth failed" : undefined,
}));

/** Usual answers about events, webhooks and explain. */
export function eventAnswers(server: FakeServer): void {
  const list = { events, next_after_seq: 3, first_seq: 1, last_seq: 3 };
  for (const query of ["limit=1", "limit=20", "limit=100", `job_ids=${jobA}&limit=100`]) server.on(`GET /api/v1/cluster/events?${query}`, 200, list);
  for (const query of ["from=now", "types=failed%2Cdead&from=now", "queues=emails.send&types=failed&from=now", "last_event_id=0"]) {
    server.onCall(`GET /api/v1/events?${query}`, (_seen, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(":keepalive\n\n");
      for (const event of events) response.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    });
  }
  server.on(`GET /api/v1/jobs/${jobA}/explain`, 200, {
    job_id: jobA,
    queue: "emails.send",
    state: "pending",
    summary: "queue emails.send is paused by ada at 2026-01-01T11:00:00Z",
    reasons: [
      {
        code: "queue_paused",
        message: "queue emails.send is paused by ada at 2026-01-01T11:00:00Z",
        name: "emails.send",
        actor: "ada",
        remedy: "corvo resume emails.send",
      },
      { code: "in_line", message: "3 other jobs are before it in queue emails.send", current: 3 },
    ],
    place: 4,
    pending: 1204,
    log_index: 99,
  });
  server.on("GET /api/v1/webhooks", 200, [
    {
      id: hook,
      url: "https://hooks.example.com/corvo",
      events: ["completed", "dead"],
      has_secret: true,
      enabled: true,
      retry_limit: 3,
      created_at: "2026-01-01T00:00:00Z",
      last_status_code: 503,
      last_error: "http 503",
      last_delivery_at: "2026-01-01T11:59:57Z",
      delivered: 12,
      pending: 2,
      dead: 1,
      dropped: 0,
    },
  ]);
  server.on("POST /api/v1/webhooks", 200, { status: "ok", id: hook });
  server.on(`DELETE /api/v1/webhooks/${hook}`, 200, { status: "deleted", id: hook });
  server.on(`POST /api/v1/webhooks/${hook}/test`, 200, { status: "ok", event_id: "evt_18a3f7c2e41b9a000000000c99" });
  server.on(`POST /api/v1/webhooks/${hook}/redeliver`, 200, { status: "ok", redelivered: 1 });
  for (const query of ["", "?state=dead", "?limit=1000"]) {
    server.on(`GET /api/v1/webhooks/${hook}/deliveries${query}`, 200, {
      deliveries: [
        {
          event_id: "evt_18a3f7c2e41b9a000000000c77",
          seq: 7,
          type: "dead",
          job_id: jobA,
          queue: "emails.send",
          at: "2026-01-01T11:00:00Z",
          state: "dead",
          attempts: 3,
          last_status_code: 503,
          last_error: "http 503",
          dead_at: "2026-01-01T11:00:02Z",
        },
      ],
    });
  }
}

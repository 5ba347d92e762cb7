import { expect, test } from "vitest";
import { connect } from "./index.js";
import { TestServer } from "./testing/server.js";

test("events as a list, webhooks and explain, as a program sees them", async () => {
  const server = await TestServer.start();
  const client = connect({ url: server.url });
  const { id } = await client.enqueue("mail", { n: 1 });
  const why = await client.explain(id);
  expect(why).toMatchObject({ jobId: id, queue: "mail", state: "pending", place: 1, pending: 1, estimatedStartAt: undefined });
  expect(why.reasons.map((reason) => reason.code)).toEqual(["no_worker"]);
  await client.pauseQueue("mail");
  expect((await client.explain(id)).reasons[0]).toMatchObject({ code: "queue_paused", remedy: "corvo resume mail", at: expect.any(Date) });

  const { events, next, newest } = await client.events({ queues: ["mail"] });
  expect(events.map((event) => event.type)).toEqual(["queue_created", "enqueued", "queue_paused"]);
  expect(events[1]).toMatchObject({ jobId: id, queue: "mail", at: expect.any(Date), index: expect.any(BigInt) });
  expect([next, newest]).toEqual([events[2].seq, events[2].seq]);
  expect((await client.events({ after: next })).events).toEqual([]);
  // When "now" begins is the server's business: jobs come until one of them is heard of.
  const heard = new AbortController();
  const adding = (async () => {
    while (!heard.signal.aborted) await client.enqueue("mail", { n: 2 });
  })();
  for await (const event of client.subscribe({ fromNow: true, types: ["enqueued"] })) {
    expect(event.seq).toBeGreaterThan(newest);
    break;
  }
  heard.abort();
  await adding;

  const made = await client.webhooks.set("https://hooks.example/x", { events: ["dead"], generateSecret: true });
  expect(made.secret).toMatch(/^whsec_/);
  expect(await client.webhooks.set("https://hooks.example/y", { id: made.id, enabled: false })).toEqual({ id: made.id, secret: "" });
  expect(await client.webhooks.list()).toMatchObject([
    { id: made.id, url: "https://hooks.example/y", hasSecret: true, enabled: false, events: ["*"], delivered: 0 },
  ]);
  expect(await client.webhooks.deliveries(made.id)).toEqual([]);
  expect(await client.webhooks.redeliver(made.id)).toBe(0);
  expect(await client.webhooks.test(made.id)).toMatch(/^evt_/);
  await client.webhooks.delete(made.id);
  expect(await client.webhooks.list()).toEqual([]);
  await expect(client.webhooks.test("none")).rejects.toMatchObject({ reason: "NOT_FOUND" });
  client.close();
  await server.end();
});

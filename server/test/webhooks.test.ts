import { createHmac } from "node:crypto";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { isPublicAddress } from "../src/webhooks/addresses.js";
import { backoffMs } from "../src/webhooks/deliverer.js";
import { Poster } from "../src/webhooks/post.js";
import { serve, type TestServer } from "./harness.js";
import { Receiver } from "./receiver.js";

/** Long enough for a busy machine, short enough to wait for. */
const timeoutMs = 2000;
let server: TestServer;
beforeAll(async () => {
  server = await serve({ "webhook-allow-private": "true", "webhook-timeout": `${timeoutMs}ms` });
});

const receivers: Receiver[] = [];
async function receiver(behave?: Receiver["behave"]): Promise<Receiver> {
  const made = await new Receiver().start();
  if (behave) made.behave = behave;
  receivers.push(made);
  return made;
}
afterEach(async () => {
  for (const hook of (await server.rest.get("webhooks")).json) await server.rest.delete(`webhooks/${hook.id}`);
  for (const one of receivers.splice(0)) await one.stop();
});

async function hook(to: Receiver | string, more: Record<string, unknown> = {}, at = server): Promise<string> {
  const url = typeof to === "string" ? to : `${to.url}/hook`;
  const { status, json, text } = await at.rest.post("webhooks", { url, enabled: true, ...more });
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json.id;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
async function shown(id: string, at = server): Promise<any> {
  return (await at.rest.get("webhooks")).json.find((one: { id: string }) => one.id === id);
}

/** Looks until it is so: what became of a delivery is in the log a moment after its answer. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
async function eventually(id: string, so: (hook: any) => boolean, at = server): Promise<any> {
  for (let i = 0; ; i++) {
    const now = await shown(id, at);
    if (so(now)) return now;
    if (i > 2000) throw new Error(`never: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("webhooks over REST", () => {
  it("are set, listed, changed and deleted; a secret is shown once", async () => {
    const made = await server.rest.post("webhooks", { url: "https://hooks.example/x", events: ["Completed", " dead "], generate_secret: true });
    expect(made.status).toBe(200);
    expect(made.json).toEqual({ status: "ok", id: expect.stringMatching(/^wh_[0-9a-f]{26}$/), secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{32}$/) });
    const { id } = made.json;
    const listed = await server.rest.get("webhooks");
    expect(listed.json).toEqual([
      {
        id,
        url: "https://hooks.example/x",
        events: ["completed", "dead"],
        has_secret: true,
        enabled: false,
        retry_limit: 3,
        created_at: expect.stringMatching(/Z$/),
        delivered: 0,
        pending: 0,
        dead: 0,
        dropped: 0,
      },
    ]);
    expect(listed.text).not.toContain(made.json.secret);
    const changed = await server.rest.post("webhooks", { id, url: "https://hooks.example/y", enabled: true, retry_limit: -1 });
    expect(changed.json).toEqual({ status: "ok", id });
    expect(await shown(id)).toMatchObject({ url: "https://hooks.example/y", events: ["*"], has_secret: true, enabled: true, retry_limit: 3 });
    await server.rest.post("webhooks", { id, url: "https://hooks.example/y", secret: "" });
    expect(await shown(id)).toMatchObject({ has_secret: false });
    expect((await server.rest.delete(`webhooks/${id}`)).json).toEqual({ status: "deleted", id });
    expect((await server.rest.delete(`webhooks/${id}`)).json).toEqual({ status: "deleted", id });
  });

  it("refuse what is none", async () => {
    const post = async (body: unknown) => {
      const { status, json } = await server.rest.post("webhooks", body);
      return [status, json.code, json.error];
    };
    expect(await post({})).toEqual([400, "WEBHOOK_ERROR", "url is required"]);
    expect(await post({ url: "ftp://x" })).toEqual([400, "WEBHOOK_ERROR", "url must start with http:// or https://"]);
    expect((await post({ url: "http://" }))[2]).toContain("url is not an address");
    expect((await post({ url: "http://ada:pw@x.example" }))[2]).toBe("url must not have a user name or password");
    expect((await post({ url: "http://x.example", retry_limit: 101 }))[2]).toBe("retry_limit too large: 101 (max 100)");
    expect((await post({ url: "http://x.example", validate_only: true }))[0]).toBe(200);
    expect((await server.rest.get("webhooks")).json).toEqual([]);
    expect((await server.rest.post("webhooks/none/redeliver")).status).toBe(400);
    expect((await server.rest.post("webhooks/none/test")).json).toEqual({ error: 'webhook "none" not found', code: "WEBHOOK_ERROR", field: "id" });
    expect((await server.rest.get("webhooks/none/deliveries")).status).toBe(404);
  });
});

describe("deliveries (J23)", () => {
  it("are signed, in Corvo's form, in order", async () => {
    const to = await receiver();
    const id = await hook(to, { secret: "s3cret", queues: ["mail"] });
    const jobId = await server.rest.add("mail", { payload: 1 });
    await server.rest.add("other");
    await server.rest.take("mail");
    await server.rest.post(`ack/${jobId}`, {});
    const received = await to.until((all) => all.length === 4);
    expect(received.map((one) => one.json.event.type).sort()).toEqual(["completed", "enqueued", "queue_created", "started"]);
    expect(received.filter((one) => one.json.event.job_id === jobId).map((one) => one.json.event.type)).toEqual(["enqueued", "started", "completed"]);
    const stream = (await server.rest.get("cluster/events?queues=mail")).json.events;
    for (const { json, headers, body, path } of received) {
      expect(path).toBe("/hook");
      const { id: eventId, ...event } = json.event;
      expect(stream).toContainEqual(event);
      expect(json).toMatchObject({ webhook_id: id, sent_at: expect.stringMatching(/^\d{4}-.*Z$/) });
      expect(headers).toMatchObject({
        "content-type": "application/json",
        "x-corvo-webhook-id": id,
        "x-corvo-webhook-event": event.type,
        "x-corvo-event-id": eventId,
      });
      expect(headers["x-corvo-signature"]).toBe(`sha256=${createHmac("sha256", "s3cret").update(body).digest("hex")}`);
      const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
      expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", "s3cret").update(signed).digest("base64")}`);
      expect(headers["webhook-id"]).toBe(eventId);
      expect(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(60);
    }
    expect(new Set(received.map((one) => one.json.event.id)).size).toBe(4);
    expect(await eventually(id, (one) => one.delivered === 4)).toMatchObject({
      pending: 0,
      dead: 0,
      last_status_code: 200,
      last_delivery_at: expect.any(String),
    });
  });

  it("are repeated with the same event id after errors, resets and silence, and hold up their job only", async () => {
    const bad: (number | "reset" | "hang")[] = [500, "reset", "hang", 200];
    let tries = 0;
    const to = await receiver((one) => (one.json.event.queue === "bad" ? bad[tries++]! : 200));
    const id = await hook(to, { events: ["enqueued", "cancelled"], retry_limit: 10 });
    const jobId = await server.rest.add("bad");
    await server.rest.post(`jobs/${jobId}/cancel`);
    bad.push(200);
    await Promise.all(Array.from({ length: 20 }, () => server.rest.add("good")));
    const received = await to.until(
      (all) => all.filter((one) => one.json.event.job_id === jobId).length >= 5 && new Set(all.map((one) => one.json.event.id)).size === 22,
    );
    const ofJob = received.filter((one) => one.json.event.job_id === jobId);
    expect(ofJob.map((one) => one.json.event.type)).toEqual(["enqueued", "enqueued", "enqueued", "enqueued", "cancelled"]);
    expect(new Set(ofJob.slice(0, 4).map((one) => one.json.event.id)).size).toBe(1);
    // The others were through long before the one that fails was.
    const fourth = received.indexOf(ofJob[3]);
    expect(received.slice(0, fourth).filter((one) => one.json.event.queue === "good").length).toBe(20);
    const waits = ofJob.slice(1, 4).map((one, i) => one.atMs - ofJob[i].atMs);
    expect(waits[0]).toBeGreaterThan(140);
    expect(waits[1]).toBeGreaterThan(590);
    // The time that hangs is counted from when the third was sent, which is before it was received.
    expect(waits[2]).toBeGreaterThan(timeoutMs / 2 + 1340);
    expect(await eventually(id, (one) => one.delivered === 22)).toMatchObject({ pending: 0, dead: 0 });
  });

  it("become dead letters after their attempts, are listed with the reason and delivered again by hand", async () => {
    let answer: number | { redirect: string } = 503;
    const elsewhere = await receiver();
    const to = await receiver(() => answer);
    const id = await hook(to, { events: ["enqueued"], retry_limit: 2 });
    const jobId = await server.rest.add("dl");
    expect(await eventually(id, (one) => one.dead === 1)).toMatchObject({ pending: 0, last_status_code: 503, last_error: "http 503" });
    const listed = (await server.rest.get(`webhooks/${id}/deliveries?state=dead`)).json.deliveries;
    expect(listed).toEqual([
      {
        event_id: to.received[0].json.event.id,
        seq: to.received[0].json.event.seq,
        type: "enqueued",
        job_id: jobId,
        queue: "dl",
        at: expect.any(String),
        state: "dead",
        attempts: 2,
        last_status_code: 503,
        last_error: "http 503",
        dead_at: expect.any(String),
      },
    ]);
    expect((await server.rest.get(`webhooks/${id}/deliveries?state=pending`)).json).toEqual({ deliveries: [] });
    expect((await server.rest.get(`webhooks/${id}/deliveries?state=lost`)).status).toBe(400);
    // A redirect is not followed: it fails like any other answer that is not 2xx.
    answer = { redirect: `${elsewhere.url}/stolen` };
    expect((await server.rest.post(`webhooks/${id}/redeliver`, { event_ids: [listed[0].event_id, "evt_none"] })).json).toEqual({
      status: "ok",
      redelivered: 1,
    });
    await to.until((all) => all.length === 4);
    expect(await eventually(id, (one) => one.dead === 1)).toMatchObject({ last_error: "http 302" });
    expect(elsewhere.received).toEqual([]);
    answer = 204;
    expect((await server.rest.post(`webhooks/${id}/redeliver`)).json).toEqual({ status: "ok", redelivered: 1 });
    const received = await to.until((all) => all.length === 5);
    expect(new Set(received.map((one) => one.json.event.id)).size).toBe(1);
    expect(await eventually(id, (one) => one.delivered === 1)).toMatchObject({ dead: 0, pending: 0 });
    expect((await server.rest.post(`webhooks/${id}/redeliver`)).json).toEqual({ status: "ok", redelivered: 0 });
  });

  it("one endpoint that hangs holds up no other; not more than eight go to one at a time", async () => {
    const slow = await receiver(() => "hang");
    const quick = await receiver();
    const stuck = await hook(slow, { events: ["enqueued"] });
    await hook(quick, { events: ["enqueued"] });
    const fromMs = performance.now();
    await Promise.all(Array.from({ length: 40 }, () => server.rest.add("fan")));
    await quick.until((all) => all.length === 40);
    expect(slow.received.length).toBeLessThanOrEqual(8 * Math.ceil((performance.now() - fromMs) / timeoutMs + 1));
    expect((await shown(stuck)).pending).toBe(40);
  });

  it("a test is sent, whatever the webhook wants", async () => {
    const to = await receiver();
    const id = await hook(to, { events: ["dead"], enabled: false });
    const { json } = await server.rest.post(`webhooks/${id}/test`);
    const [received] = await to.until((all) => all.length === 1);
    expect(received.json.event).toMatchObject({ id: json.event_id, type: "webhook_test" });
    expect(await eventually(id, (one) => one.delivered === 1)).toMatchObject({ enabled: false });
  });

  it("what was not delivered before a restart is delivered after it, and nothing of what was", async () => {
    const first = await serve({ "webhook-allow-private": "true" });
    let open = false;
    const to = await receiver((one) => (open || one.json.event.queue === "now" ? 200 : 500));
    const id = await hook(to, { events: ["enqueued"], retry_limit: 100 }, first);
    await first.rest.add("now");
    await eventually(id, (one) => one.delivered === 1, first);
    const later = await Promise.all(Array.from({ length: 30 }, () => first.rest.add("later")));
    await first.stop();
    open = true;
    const before = to.received.length;
    const second = await serve({ "webhook-allow-private": "true" }, first.dir);
    await eventually(id, (one) => one.delivered === 31, second);
    const after = to.received.slice(before).map((one) => one.json.event.job_id);
    expect(after.sort()).toEqual(later.sort());
    const ids = new Map<string, Set<string>>();
    for (const { json } of to.received) ids.set(json.event.job_id, (ids.get(json.event.job_id) ?? new Set()).add(json.event.id));
    expect([...ids.values()].every((of) => of.size === 1)).toBe(true);
    await second.stop();
  });
});

describe("where deliveries may go", () => {
  it("not to this machine nor to private networks, unless that is allowed", async () => {
    const closed = await serve();
    const to = await receiver();
    for (const url of [to.url, to.url.replace("127.0.0.1", "localhost"), to.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")]) {
      const id = await hook(url, { events: ["enqueued"], retry_limit: 1 }, closed);
      await closed.rest.add("q");
      const { last_error } = await eventually(id, (one) => one.dead > 0, closed);
      expect(last_error).toContain("refused without --webhook-allow-private");
      await closed.rest.delete(`webhooks/${id}`);
    }
    expect(to.received).toEqual([]);
    await closed.stop();
  });

  it("addresses are told apart, however they are written", () => {
    const not = [
      "127.0.0.1",
      "127.9.9.9",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "224.0.0.1",
      "255.255.255.255",
    ];
    not.push(
      "::1",
      "::",
      "fe80::1",
      "fe80::1%eth0",
      "fd00::1",
      "::ffff:10.0.0.1",
      "::ffff:7f00:1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "ff02::1",
      "::127.0.0.1",
      "",
      "localhost",
    );
    for (const address of not) expect([address, isPublicAddress(address)]).toEqual([address, false]);
    for (const address of ["1.1.1.1", "172.32.0.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
  });

  it("a name that resolves to a private address gains nothing, nor one that changes its mind", async () => {
    const to = await receiver();
    const port = new URL(to.url).port;
    const body = Buffer.from("{}");
    const lookup = ((_name: string, _options: unknown, callback: (error: null, all: { address: string; family: number }[]) => void) =>
      callback(null, [{ address: "127.0.0.1", family: 4 }])) as never;
    const poster = new Poster({ allowPrivate: false, timeoutMs: 1000, lookup });
    expect(await poster.post(`http://public.example:${port}/`, {}, body)).toEqual({
      status: 0,
      error: expect.stringContaining("127.0.0.1 is an address of this machine"),
    });
    // The check on the socket stands alone: the name was good when it was asked for.
    const answers = [true, false];
    const second = new Poster({ allowPrivate: false, timeoutMs: 1000, lookup, allowed: () => answers.shift()! });
    expect(await second.post(`http://changing.example:${port}/`, {}, body)).toEqual({ status: 0, error: expect.stringContaining("127.0.0.1 is an address") });
    expect(answers).toEqual([]);
    second.close();
    expect(to.received).toEqual([]);
    poster.close();
  });

  it("waits longer after each failure, never the same for all", () => {
    expect(backoffMs(1, 0.5)).toBe(200);
    expect(backoffMs(3, 0.5)).toBe(1800);
    expect([backoffMs(2, 0), backoffMs(2, 0.999)]).toEqual([600, expect.closeTo(1000, -1)]);
    expect(backoffMs(100, 0.5)).toBe(300_000);
  });
});

import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer, temporaryDirectory } from "./harness.js";

interface Event {
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
  data: any;
}

/** A reader of server-sent events. */
class Reader {
  readonly events: Event[] = [];
  readonly comments: string[] = [];
  response!: IncomingMessage;
  private readonly request: ClientRequest;
  private wake = (): void => {};

  constructor(url: string, headers: Record<string, string> = {}) {
    this.request = request(url, { headers, agent: false });
  }

  async open(): Promise<this> {
    this.response = await new Promise<IncomingMessage>((resolve, reject) => {
      this.request.once("response", resolve).once("error", reject).end();
    });
    let rest = "";
    this.response.on("data", (chunk: Buffer) => {
      const blocks = (rest + chunk.toString()).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) this.take(block);
      this.wake();
    });
    this.response.on("error", () => {});
    return this;
  }

  private take(block: string): void {
    if (block.startsWith(":")) return void this.comments.push(block);
    const lines = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
    this.events.push({ id: lines.id, event: lines.event, data: JSON.parse(lines.data) });
  }

  async until(done: (events: Event[]) => boolean): Promise<Event[]> {
    while (!done(this.events)) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.events;
  }

  close(): void {
    this.request.destroy();
  }
}

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

it("a stream says which log index its node has seen", async () => {
  const added = await server.rest.post("enqueue", { queue: "seen" });
  const seen = (await server.rest.get("queues")).headers["corvo-log-index"];
  expect([added.status, Number(seen)]).toEqual([201, expect.any(Number)]);
  const reader = await new Reader(`${server.url}/api/v1/events?from=now`).open();
  expect(Number(reader.response.headers["corvo-log-index"])).toBeGreaterThanOrEqual(Number(seen));
  reader.close();
});

async function life(queue: string): Promise<string> {
  const id = await server.rest.add(queue, { payload: { a: 1 } });
  const job = await server.rest.take(queue);
  await server.rest.post("heartbeat", { jobs: { [id]: { progress: { note: "line\nbreak <b>" } } } });
  await server.rest.post(`fail/${id}`, { error: "SMTP 535 <auth> failed" });
  await server.rest.post(`jobs/${id}/cancel`);
  expect(job.job_id).toBe(id);
  return id;
}
const types = ["queue_created", "enqueued", "started", "progress", "failed", "retrying", "cancelled"];

describe("GET /api/v1/events", () => {
  it("tells a job's life in order, in the form of the specification", async () => {
    const id = await life("sse");
    const reader = await new Reader(`${server.url}/api/v1/events?queues=sse`).open();
    expect(reader.response.statusCode).toBe(200);
    expect(reader.response.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      connection: "keep-alive",
      "access-control-allow-origin": "*",
    });
    const events = await reader.until((all) => all.length === types.length);
    expect(events.map((event) => event.event)).toEqual(types);
    for (const { id: eventId, event, data } of events) {
      expect(data).toMatchObject({ seq: Number(eventId), type: event, queue: "sse" });
      expect(data.at_ns / 1e6).toBeGreaterThan(Date.now() - 60_000);
      expect(data.index).toBeGreaterThan(0);
    }
    expect(events[0].data.job_id).toBeUndefined();
    expect(events[2].data).toMatchObject({ job_id: id, attempt: 1, worker_id: "w1" });
    expect(events[3].data.data).toEqual({ note: "line\nbreak <b>" });
    expect(events[4].data).toMatchObject({ reason: "SMTP 535 <auth> failed", attempt: 1 });
    reader.close();
  });

  it("spells each event as shipped parsers need it: one chunk, one space, three lines", async () => {
    await server.rest.add("raw", { payload: 1 });
    const socket: Socket = connect(server.port, "127.0.0.1");
    socket.write("GET /api/v1/events?queues=raw&types=enqueued HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = "";
    await new Promise<void>((resolve) =>
      socket.on("data", (bytes) => {
        text += bytes.toString();
        if (text.includes("\n\n\r\n")) resolve();
      }),
    );
    socket.destroy();
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    const [, length, chunk] = /^([0-9a-f]+)\r\n([\s\S]*?)\r\n$/.exec(body)!;
    expect(Number.parseInt(length, 16)).toBe(Buffer.byteLength(chunk));
    expect(chunk).toMatch(
      /^id: \d+\nevent: enqueued\ndata: \{"at_ns":\d+,"job_id":"job_[0-9a-f]{26}","queue":"raw","seq":\d+,"type":"enqueued","index":\d+\}\n\n$/,
    );
  });

  it("goes on behind a position, from the query or the header, and from now", async () => {
    const id = await life("resume");
    const all = await (await new Reader(`${server.url}/api/v1/events?job_ids=${id}`).open()).until((e) => e.length === 6);
    const read = async (query: string, headers = {}): Promise<string> => {
      const reader = await new Reader(`${server.url}/api/v1/events?job_ids=${id}&${query}`, headers).open();
      const first = (await reader.until((e) => e.length > 0))[0];
      reader.close();
      return first.id;
    };
    expect(await read(`last_event_id=${all[2].id}`)).toBe(all[3].id);
    expect(await read("", { "last-event-id": all[3].id })).toBe(all[4].id);
    expect(await read(`last_event_id=${all[0].id}`, { "last-event-id": all[1].id })).toBe(all[2].id);
    expect(await read("last_event_id=abc")).toBe(all[0].id);
    expect(await read("types=failed,cancelled")).toBe(all[3].id);
    const live = await new Reader(`${server.url}/api/v1/events?from=now&types=enqueued`).open();
    await server.rest.add("now");
    expect((await live.until((e) => e.length > 0))[0].data.queue).toBe("now");
    live.close();
  });

  it("a list of events is the same events", async () => {
    const id = await life("list");
    const reader = await new Reader(`${server.url}/api/v1/events?queues=list`).open();
    const streamed = await reader.until((all) => all.length === types.length);
    reader.close();
    const { status, json } = await server.rest.get(`cluster/events?queues=list&limit=500`);
    expect(status).toBe(200);
    expect(json.events).toEqual(streamed.map((event) => event.data));
    const page = await server.rest.get(`cluster/events?after_seq=${json.events[2].seq}&job_ids=${id}&types=failed,retrying&limit=1`);
    expect(page.json.events.map((e: { type: string }) => e.type)).toEqual(["failed"]);
    expect(page.json.next_after_seq).toBe(page.json.events[0].seq);
    expect(page.json.last_seq).toBeGreaterThanOrEqual(json.events.at(-1).seq);
    expect((await server.rest.post("cluster/events")).status).toBe(405);
    expect((await server.rest.post("events")).status).toBe(405);
  });

  it("speaks HTTP/2 as well", async () => {
    const { connect: connect2 } = await import("node:http2");
    const session = connect2(server.url);
    const stream = session.request({ ":path": "/api/v1/events?types=enqueued&queues=h2" });
    await server.rest.add("h2");
    let text = "";
    for await (const chunk of stream) {
      text += chunk.toString();
      if (text.endsWith("\n\n")) break;
    }
    expect(text).toMatch(/^id: \d+\nevent: enqueued\ndata: \{[^\n]*\}\n\n$/);
    session.destroy();
  });
});

describe("limits of events (J22)", () => {
  it("who is overtaken gets a gap that says what is missing; nothing else is missing, doubled or out of order", async () => {
    const small = await serve({ "events-kept": "1024" });
    for (let i = 0; i < 8; i++) await small.rest.post("enqueue/batch", { jobs: Array.from({ length: 400 }, () => ({ queue: "q" })) });
    const reader = await new Reader(`${small.url}/api/v1/events?last_event_id=7`).open();
    const socket = connect(small.port, "127.0.0.1");
    socket.write("GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n"); // reads nothing
    socket.pause();
    const events = await reader.until((all) => all.at(-1)?.data.seq === 3201);
    expect(events[0].event).toBe("gap");
    expect(events[0].data.data).toEqual({ from: 8, missed: 2170, to: 2177 });
    expect(events.slice(1).map((event) => event.data.seq)).toEqual(Array.from({ length: 1024 }, (_, i) => 2178 + i));
    const { json } = await small.rest.get("cluster/events?after_seq=7&limit=1");
    expect(json.events[0]).toMatchObject({ type: "gap", data: { from: 8, missed: 2170, to: 2177 } });
    const rpc = small.rpc.worker.subscribe({ lastEventId: 7n });
    for await (const event of rpc) {
      expect(event).toMatchObject({ type: "gap", seq: 2177n, dataJson: '{"from":8,"missed":2170,"to":2177}' });
      break;
    }
    reader.close();
    socket.destroy();
    await small.stop();
  });

  it("events survive a restart, with their numbers", async () => {
    const first = await serve();
    const add = async (n: number): Promise<void> => {
      for (let i = 0; i < n; i++) await first.rest.add("again");
    };
    await add(20);
    const before = (await first.rest.get("cluster/events?limit=1000")).json;
    await first.stop();
    const second = await serve({}, first.dir);
    const after = (await second.rest.get("cluster/events?limit=1000")).json;
    expect(after.events).toEqual(before.events);
    await second.rest.add("again");
    const next = (await second.rest.get(`cluster/events?after_seq=${before.last_seq}`)).json.events;
    expect(next.map((e: { seq: number; type: string }) => [e.seq, e.type])).toEqual([[before.last_seq + 1, "enqueued"]]);
    await second.stop();
  });

  it("a thousand readers and a reader that reads nothing do not stop the work", async () => {
    const readers = await Promise.all(Array.from({ length: 200 }, (_, i) => new Reader(`${server.url}/api/v1/events?from=now&queues=busy${i % 50}`).open()));
    const startMs = performance.now();
    for (let i = 0; i < 50; i++) await server.rest.add(`busy${i}`);
    await Promise.all(readers.map((reader) => reader.until((all) => all.some((event) => event.event === "enqueued"))));
    console.log(`  50 events to 4 of 200 readers each: ${(performance.now() - startMs).toFixed(0)} ms`);
    for (const reader of readers) {
      expect(reader.events.filter((event) => event.event === "enqueued").length).toBe(1);
      reader.close();
    }
  });
});

describe("retention", () => {
  it("tells by one event how many jobs it removed", async () => {
    const dir = temporaryDirectory();
    const flags = { retention: "1s", "retention-interval": "1s" };
    let short = await serve(flags, dir);
    for (let i = 0; i < 3; i++) await short.rest.add("old");
    const done = await short.rest.take("old");
    await short.rest.post(`ack/${done.job_id}`);
    const dead = await short.rest.take("old");
    await short.rest.post(`fail/${dead.job_id}`, { error: "no" });
    const cancelled = await short.rest.add("old");
    await short.rest.post(`jobs/${cancelled}/cancel`);
    const purged = async () => (await short.rest.get("cluster/events?after_seq=0&limit=1000")).json.events.filter((e: { type: string }) => e.type === "purged");
    await expect.poll(purged, { timeout: 10_000 }).toHaveLength(1);
    const [event] = await purged();
    expect(event.data).toMatchObject({ jobs: 2, completed: 1, dead: 0, cancelled: 1, ended_before_ms: expect.any(Number) });
    expect([event.job_id, event.queue]).toEqual([undefined, undefined]);
    expect((await short.rest.get(`jobs/${done.job_id}`)).status).toBe(404);
    // The segment that was being filled is gone, and another one is begun: also for those who start again.
    await short.stop();
    short = await serve({ ...flags, retention: "1h" }, dir);
    await short.rest.post(`jobs/${dead.job_id}/cancel`);
    expect(await short.rest.job(dead.job_id)).toMatchObject({ state: "cancelled" });
    await short.stop();
    short = await serve({ ...flags, retention: "1h" }, dir);
    expect(await short.rest.job(dead.job_id)).toMatchObject({ state: "cancelled" });
    expect(short.lines.filter((line) => /^(error|warn a)/.test(line))).toEqual([]);
  });
});

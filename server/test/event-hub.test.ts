import { formatJobId } from "@corvo/protocol";
import { expect, it } from "vitest";
import { Events, eventTypes } from "../../packages/engine/src/tables/events.js";
import { EventFilter } from "../src/events/filter.js";
import { EventHub, type Outlet } from "../src/events/hub.js";

const queues = Array.from({ length: 100 }, (_, i) => ({ name: `queue-${i}` }));
const worker = { name: Buffer.from("worker-1host"), idBytes: 8 };
/** What the kernel does with bytes that are sent. */
const kernel = Buffer.alloc(1024 * 1024);

class Sink implements Outlet {
  readonly form = "sse";
  text = "";
  open = true;
  constructor(private readonly keep: boolean) {}
  ready(): boolean {
    return this.open;
  }
  write(bytes: Buffer): void {
    bytes.copy(kernel);
    if (this.keep) this.text += bytes.toString();
  }
  keepalive(): void {}
  end(): void {}
  giveUp(): void {}
  /** Numbers of events, and of those that a gap names. */
  get seen(): { seqs: number[]; gaps: [from: number, to: number][] } {
    const events = [...this.text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json));
    return {
      seqs: events.filter((event) => event.type !== "gap").map((event) => event.seq),
      gaps: events.filter((event) => event.type === "gap").map((event) => [event.data.from, event.data.to]),
    };
  }
}

function add(events: Events, count: number): void {
  for (let i = 0; i < count; i++) {
    const seq = events.lastSeq + 1;
    events.index = seq >> 4;
    events.add(seq % 3, Math.ceil(seq / 3), 1_790_000_000_000, queues[seq % queues.length], 1_790_000_000_000 + seq);
    if (seq % 3 === 1) events.attempt(1, worker);
  }
}

/** Events at 300,000 a second for a second, as 100,000 jobs a second make them; what readers take of the event loop meanwhile. */
async function flood(events: Events, hub: EventHub, forMs: number): Promise<number> {
  const startMs = performance.now();
  const busyMs = hub.counters.busyMs;
  for (let added = 0; performance.now() - startMs < forMs; ) {
    const due = Math.min(Math.floor((performance.now() - startMs) * 300), added + 20_000);
    add(events, due - added);
    added = due;
    hub.ring();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return (hub.counters.busyMs - busyMs) / (performance.now() - startMs);
}

it("a thousand readers of everything take a bounded share; what they miss is marked, and nothing else is missing", async () => {
  const events = new Events(65_536);
  const hub = new EventHub(events);
  const sinks = Array.from({ length: 1000 }, (_, i) => new Sink(i % 250 === 0));
  const subscriptions = sinks.map((sink) => hub.subscribe(new EventFilter({ queues: [], jobIds: [], types: [] }), 0, sink));
  const share = await flood(events, hub, 1000);
  console.log(
    `  1,000 readers of everything at 300,000 events/s: ${(share * 100).toFixed(1)} % of the event loop, ${(hub.counters.sentBytes / 1e6).toFixed(0)} MB, ${hub.counters.gaps} gaps`,
  );
  expect(share).toBeLessThan(0.5); // It rests after each turn; without that it would take the loop whole.
  // Those whose events are looked at read on to the end.
  subscriptions.forEach((subscription, i) => {
    if (i % 250 !== 0) subscription.close();
  });
  const { lastSeq } = events;
  hub.ring();
  while (!subscriptions.every((subscription, i) => i % 250 !== 0 || subscription.after === lastSeq)) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const sink of sinks.filter((one) => one.text !== "")) {
    const { seqs, gaps } = sink.seen;
    const covered = [...seqs.map((seq): [number, number] => [seq, seq]), ...gaps].sort(([a], [b]) => a - b);
    let next = covered[0][0];
    for (const [from, to] of covered) {
      if (from !== next) throw new Error(`after ${next - 1} comes ${from}`);
      next = to + 1;
    }
    expect(next).toBe(lastSeq + 1);
  }
  hub.close();
});

it("a thousand readers of one queue each take little, and get all of it", async () => {
  const events = new Events(65_536);
  const hub = new EventHub(events);
  const sinks = Array.from({ length: 1000 }, (_, i) => new Sink(i % 100 === 0));
  for (const [i, sink] of sinks.entries()) hub.subscribe(new EventFilter({ queues: [queues[i % 100].name], jobIds: [], types: [] }), 0, sink);
  const share = await flood(events, hub, 1000);
  console.log(`  1,000 readers of one queue each at 300,000 events/s: ${(share * 100).toFixed(1)} % of the event loop, ${hub.counters.gaps} gaps`);
  expect(share).toBeLessThan(0.5); // It rests after each turn; without that it would take the loop whole.
  hub.close();
});

it("filters: by queue, job and type, together, and events of every type are known", () => {
  const passes = (wish: Partial<ConstructorParameters<typeof EventFilter>[0]>, type: string, seq: number, queue: string): boolean =>
    new EventFilter({ queues: [], jobIds: [], types: [], ...wish }).passes(eventTypes.indexOf(type as never), seq, queue);
  expect(passes({ types: ["Failed", "dead"] }, "failed", 1, "q")).toBe(true);
  expect(passes({ types: ["failed"] }, "dead", 1, "q")).toBe(false);
  expect(passes({ queues: ["a", "b"] }, "dead", 1, "b")).toBe(true);
  const jobIds = [formatJobId(1_790_000_000_000, 0xc41)];
  expect(passes({ jobIds }, "dead", 0xc41, "b")).toBe(true);
  expect(passes({ jobIds }, "dead", 0xc42, "b")).toBe(false);
  expect(passes({ jobIds: ["nonsense"] }, "dead", 1, "b")).toBe(false);
});

it("who does not read holds up nobody, and goes on where it was", async () => {
  const events = new Events(1024);
  const hub = new EventHub(events);
  const [slow, quick] = [new Sink(true), new Sink(true)];
  slow.open = false;
  const all = new EventFilter({ queues: [], jobIds: [], types: [] });
  const subscription = hub.subscribe(all, 0, slow);
  hub.subscribe(all, 0, quick);
  const settle = async (sink: Sink): Promise<void> => {
    hub.ring();
    while (sink.seen.seqs.at(-1) !== events.lastSeq) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  add(events, 500);
  await settle(quick);
  add(events, 700);
  await settle(quick);
  expect(slow.text).toBe("");
  slow.open = true;
  subscription.resume();
  await settle(slow);
  // It was at the beginning, of which 176 are gone.
  expect(slow.seen).toEqual({ seqs: Array.from({ length: 1024 }, (_, i) => 177 + i), gaps: [[1, 176]] });
  expect(quick.seen).toEqual({ seqs: Array.from({ length: 1200 }, (_, i) => 1 + i), gaps: [] });
  hub.close();
});

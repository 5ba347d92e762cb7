/**
 * `npx tsx packages/raft/bench/propose.ts [seconds]`: what one entry costs on one node besides I/O, from propose to applied. The log
 * says "durable" at once, so everything measured is the core and the driver.
 */
import { readFileSync } from "node:fs";
import type { Clock } from "@corvo/protocol";
import type { LogStore } from "@corvo/storage";
import { coreUrl, RaftNode } from "../src/index.js";

const seconds = Number(process.argv[2] ?? 2);
/** Until V8 has optimized the core. */
const warmEntries = 20_000;
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (run) => setImmediate(run),
};

class NoLog implements LogStore {
  readonly found = { firstIndex: 1, lastIndex: 0, lastTerm: 0, hardState: undefined, sealed: false };
  readonly firstIndex = 1;
  lastIndex = 0;
  readonly bytes = 0;
  #founding: { index: number; term: number; type: number; data: Uint8Array } | undefined;
  append({ entries }: Parameters<LogStore["append"]>[0]): Promise<void> {
    this.#founding ??= entries[0];
    if (entries.length > 0) this.lastIndex = entries[entries.length - 1].index;
    return done;
  }
  async *read() {
    if (this.#founding !== undefined) yield [this.#founding];
  }
  dropThrough = (): Promise<void> => done;
  resetTo = (): Promise<void> => done;
  close = (): Promise<void> => done;
}
const done = Promise.resolve();

async function open(onCommitted: (index: number) => void): Promise<RaftNode> {
  const core = new WebAssembly.Module(readFileSync(coreUrl));
  const started = performance.now();
  let ready: () => void = () => {};
  const leading = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const node = await RaftNode.open({
    id: 1,
    core,
    log: new NoLog(),
    members: [1],
    clock,
    random: { fill: (bytes) => crypto.getRandomValues(bytes) },
    onCommitted: (entries) => onCommitted(entries[entries.length - 1].index),
    onRole: (role) => role === "leader" && ready(),
    onFatal: (error) => {
      throw error;
    },
  });
  await leading;
  console.log(`open to leading: ${(performance.now() - started).toFixed(1)} ms`);
  return node;
}

/** One entry at a time: the next is proposed when the one before is applied. */
async function oneByOne(size: number): Promise<void> {
  let applied: (() => void) | undefined;
  const node = await open(() => applied?.());
  const data = new Uint8Array(size);
  const samples: number[] = [];
  const once = async () => {
    const done = new Promise<void>((resolve) => {
      applied = resolve;
    });
    node.propose(data);
    await done;
  };
  for (let i = 0; i < warmEntries; i++) await once();
  const cpuStart = process.cpuUsage();
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const start = performance.now();
    await once();
    samples.push((performance.now() - start) * 1000);
  }
  report(`${size} B, one at a time`, samples.length, process.cpuUsage(cpuStart), samples);
  await node.stop();
}

/** Several entries under way, one sync for all of them. */
async function together(size: number, count: number): Promise<void> {
  let applied = 0;
  let resume: (() => void) | undefined;
  const node = await open((index) => {
    applied = index;
    resume?.();
  });
  const data = new Uint8Array(size);
  const once = async () => {
    let last = 0;
    for (let i = 0; i < count; i++) last = node.propose(data)?.index ?? 0;
    while (applied < last)
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
  };
  for (let i = 0; i < warmEntries / count; i++) await once();
  let entries = 0;
  const cpuStart = process.cpuUsage();
  for (const end = performance.now() + seconds * 1000; performance.now() < end; entries += count) await once();
  report(`${size} B, ${count} under way`, entries, process.cpuUsage(cpuStart));
  await node.stop();
}

function report(name: string, entries: number, cpu: NodeJS.CpuUsage, samples?: number[]): void {
  const perEntry = ((cpu.user + cpu.system) / entries).toFixed(1);
  const sorted = samples?.sort((a, b) => a - b);
  const at = (q: number) => sorted?.[Math.floor(q * sorted.length)].toFixed(1);
  console.log(`${name.padEnd(24)} ${entries} entries, CPU ${perEntry} µs each${sorted ? `, time p50 ${at(0.5)} p99 ${at(0.99)} p99.9 ${at(0.999)} µs` : ""}`);
}

for (const size of [200, 16 * 1024, 256 * 1024]) await oneByOne(size);
await together(200, 4);

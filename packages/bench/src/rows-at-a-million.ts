import { type Bed, type Group, type Result, round, wait } from "./bed.js";
import { viewCalm } from "./lag.js";
import type { JobItem } from "./loads.js";
import { type Asked, Probe, type Probed } from "./probe.js";
import { runtimeFacts, type ServerProcess } from "./server-process.js";

const jobs = 1_000_000;
const queues = 5;
const finished = 50_000;
const tenants = 5_000;
const regions = 10;
const vocabulary = 5_000;
/** Questions of one run: p99 is the fifth slowest. */
const questions = 500;
/** Of those that may have to look at every payload. */
const absent = 50;

interface Million {
  probe: Probe;
  server: ServerProcess;
  /** Ids of pending jobs from the beginning, the middle and the end of each queue. */
  ids: string[];
}

type Answer = Record<string, unknown> & { jobs?: { id: string; queue: string; state: string }[]; results?: unknown[] };

/** A million pending jobs in five queues with tags and words, and some finished ones: finding them, counting them, changing many. */
export function millionGroup(bed: Bed): Group<Million> {
  const ms = { unit: "ms", more: false };
  const bulk = { unit: "jobs/s", more: true, must: 50_000, aim: 100_000 };
  return {
    flags: [],
    prepare: (server) => prepare(bed, server, bed.options.say),
    end: async ({ probe }) => probe.close(),
    rows: [
      { ...ms, name: "search by queue and state at 1 M jobs, p99", must: 10, aim: 5, run: (on) => p99(on, byQueueAndState, pageFault) },
      { ...ms, name: "search by tag at 1 M jobs, p99", must: 50, aim: 25, run: (on) => p99(on, byTag, pageFault) },
      { ...ms, name: "full text at 1 M jobs, p99", must: 50, aim: 25, run: (on) => p99(on, byWords, resultFault) },
      { ...ms, name: "full text that is nowhere, at 1 M jobs, p99", must: 50, aim: 25, run: (on) => p99(on, byAbsentWords, noResultFault, absent) },
      { ...ms, name: "counts at 1 M jobs, p99 beyond the round trip", must: 1, aim: 0.5, run: (on) => beyondRoundTrip(on, counts, () => undefined) },
      { ...ms, name: "explain at 1 M pending, p99 beyond the round trip", must: 1, aim: 0.5, run: (on) => beyondRoundTrip(on, explain(on), explainFault) },
      { ...bulk, name: "bulk cancel by filter, 200,000 pending jobs", run: (on, turn) => bulkRun(on, `bench.m${turn % queues}`, "cancel") },
      { ...bulk, name: "bulk retry by filter, 200,000 finished jobs from the archive", run: (on, turn) => bulkRun(on, `bench.m${turn % queues}`, "retry") },
    ],
  };
}

/** Words of its own for each job, of a vocabulary that is used evenly. */
function item(n: number): JobItem {
  const word = (i: number): string => `w${((n * 7919 + i * 104_729) % vocabulary).toString(36)}`;
  const words = Array.from({ length: 12 }, (_, i) => word(i)).join(" ");
  const head = `{"order":${n},"words":"${words} u${n.toString(36)}","data":"`;
  return {
    queue: `bench.m${n % queues}`,
    payload: `${head}${"x".repeat(Math.max(0, 198 - head.length))}"}`,
    tags: `{"tenant":"t${n % tenants}","region":"r${Math.floor(n / queues) % regions}"}`,
  };
}

async function prepare(bed: Bed, server: ServerProcess, say: (line: string) => void): Promise<Million> {
  const startMs = performance.now();
  const seconds = (): string => ((performance.now() - startMs) / 1000).toFixed(1);
  const filled = await bed.fill(server, jobs, { item });
  if (filled.completed !== jobs) throw new Error(`${filled.completed} of ${jobs} jobs could be added: ${filled.firstError}`);
  await bed.stream(server, { queue: "bench.done", jobs: finished, ms: 60_000 });
  say(`  ${jobs} jobs are in after ${seconds()} s`);
  await viewCalm(server);
  say(`  the view has seen them after ${seconds()} s`);
  await cpuCalm(server);
  say(`  and their words after ${seconds()} s`);
  const probe = new Probe(server.url);
  const ids: string[] = [];
  for (let q = 0; q < queues; q++) {
    const edges = [];
    for (const order of ["asc", "desc"]) edges.push(await page(probe, { queue: `bench.m${q}`, state: ["pending"], limit: 1000, order }));
    const middle = new Date((Date.parse(edges[0][0].created_at) + Date.parse(edges[1][0].created_at)) / 2).toISOString();
    edges.push(await page(probe, { queue: `bench.m${q}`, state: ["pending"], limit: 1000, order: "asc", created_after: middle }));
    for (const edge of edges) ids.push(...edge.map((job) => job.id));
  }
  return { probe, server, ids };
}

async function page(probe: Probe, body: unknown): Promise<{ id: string; created_at: string }[]> {
  const { status, text } = await probe.ask({ verb: "POST", path: "/api/v1/jobs/search", body });
  if (status !== 200) throw new Error(`search: ${status} ${text}`);
  return (JSON.parse(text) as { jobs: { id: string; created_at: string }[] }).jobs;
}

/** Words are indexed once nothing else is to do for a while: it is done when the server does nothing for longer than that. */
async function cpuCalm(server: ServerProcess): Promise<void> {
  const spent = async (): Promise<number> => {
    const facts = await runtimeFacts(server.url);
    return ((facts?.cpu_user_ns ?? 0) + (facts?.cpu_sys_ns ?? 0)) / 1e6;
  };
  for (let calm = 0, before = await spent(); calm < 20; ) {
    await wait(200);
    const now = await spent();
    calm = now - before < 20 ? calm + 1 : 0;
    before = now;
  }
}

/** A number that follows no pattern of the jobs. */
function pick(n: number, of: number): number {
  return ((n * 2_654_435_761) % 4_294_967_296) % of;
}

function byQueueAndState(n: number): Asked {
  const pending = { queue: `bench.m${n % queues}`, state: ["pending"], order: n % 4 < 2 ? "asc" : "desc", limit: 50 };
  return search(n % 5 === 4 ? { queue: "bench.done", state: ["completed"], limit: 50 } : pending);
}
function byTag(n: number): Asked {
  const tenant = { tags: { tenant: `t${pick(n, tenants)}` }, limit: 50 };
  if (n % 3 === 0) return search(tenant);
  if (n % 3 === 1) return search({ ...tenant, state: ["pending"] });
  return search({ queue: `bench.m${n % queues}`, tags: { region: `r${pick(n, regions)}` }, limit: 50 });
}
function search(body: unknown): Asked {
  return { verb: "POST", path: "/api/v1/jobs/search", body };
}
function byWords(n: number): Asked {
  const job = pick(n, jobs);
  const words = /"words":"(\S+) (\S+) .* (u\S+)"/.exec(item(job).payload)!;
  const q = n % 3 === 0 ? words[1] : n % 3 === 1 ? `${words[1]} ${words[2]}` : words[3];
  return { verb: "GET", path: `/api/v1/search/fulltext?q=${encodeURIComponent(q)}` };
}
function byAbsentWords(n: number): Asked {
  return { verb: "GET", path: `/api/v1/search/fulltext?q=absent${n}` };
}
function counts(n: number): Asked {
  return { verb: "GET", path: n % 2 === 0 ? "/api/v1/queues" : `/api/v1/stats?queue=bench.m${n % queues}` };
}
function explain({ ids }: Million): (n: number) => Asked {
  return (n) => ({ verb: "GET", path: `/api/v1/jobs/${ids[pick(n, ids.length)]}/explain` });
}

function pageFault(answer: Answer): string | undefined {
  return answer.jobs === undefined || answer.jobs.length === 0 ? "a search found nothing" : undefined;
}
function resultFault(answer: Answer): string | undefined {
  return answer.results === undefined || answer.results.length === 0 ? "a search for words found nothing" : undefined;
}
function noResultFault(answer: Answer): string | undefined {
  return answer.results?.length === 0 ? undefined : "something was found that is not there";
}
function explainFault(answer: Answer): string | undefined {
  return typeof answer.place === "number" && answer.place > 0 ? undefined : `no place: ${JSON.stringify(answer).slice(0, 200)}`;
}

async function p99(on: Million, next: (n: number) => Asked, fault: (answer: Answer) => string | undefined, count = questions): Promise<Result> {
  const probed = await on.probe.run(count, next, fault);
  const trip = tripText(await on.probe.run(questions * 4, roundTrips.next, roundTrips.fault));
  return { value: inMs(probed, 99), errors: probed.errors, note: probed.firstError ?? `p50 ${inMs(probed, 50)} ms; ${trip}` };
}

/**
 * As many questions come before as count: in its first thousands of calls a server runs code that is not compiled yet, whatever it is asked
 * (counts with 20,000 jobs, p99 of each 500: 4.9 ms, 2.8, 3.5, 2.1, 2.7, 1.7, 0.4, 0.9).
 */
async function beyondRoundTrip(on: Million, next: (n: number) => Asked, fault: (answer: Answer) => string | undefined): Promise<Result> {
  const count = questions * 4;
  const [probed, bare] = await on.probe.runBeside(count, [{ next, fault }, roundTrips], count);
  return {
    value: round(Math.max(0, inMs(probed, 99) - inMs(bare, 99))),
    errors: probed.errors + bare.errors,
    note: probed.firstError ?? bare.firstError ?? `p50 ${inMs(probed, 50)} ms, p99 ${inMs(probed, 99)} ms; ${tripText(bare)}`,
  };
}

/** The least that any answer over HTTP costs here. */
const roundTrips = { next: (): Asked => ({ verb: "GET", path: "/healthz" }), fault: (): undefined => undefined };

function tripText(bare: Probed): string {
  return `bare round trip p50 ${inMs(bare, 50)} ms, p99 ${inMs(bare, 99)} ms`;
}

function inMs(probed: Probed, p: number): number {
  return round(probed.latencies.percentileUs(p) / 1000);
}

/** From the request to the end of the task that it began. Jobs that are not in the state to begin with are brought there before. */
async function bulkRun(on: Million, queue: string, action: "cancel" | "retry"): Promise<Result> {
  const [from, to] = action === "cancel" ? ["pending", "cancelled"] : ["cancelled", "pending"];
  if ((await countOf(on, queue, to)) > 0) await bulkTask(on, queue, to, action === "cancel" ? "retry" : "cancel");
  await viewCalm(on.server);
  await cpuCalm(on.server);
  const expected = await countOf(on, queue, from);
  const startMs = performance.now();
  const affected = await bulkTask(on, queue, from, action);
  const elapsedMs = performance.now() - startMs;
  const missing = (jobs / queues !== expected ? 1 : 0) + expected - affected;
  return {
    value: Math.round((affected * 1000) / elapsedMs),
    errors: missing,
    note: missing > 0 ? `${affected} of ${expected} jobs were changed` : `${affected} jobs in ${(elapsedMs / 1000).toFixed(1)} s`,
  };
}

async function bulkTask({ probe }: Million, queue: string, state: string, action: string): Promise<number> {
  const body = { action, filter: { queue, state: [state] }, async: true };
  const begun = await probe.ask({ verb: "POST", path: "/api/v1/jobs/bulk", body });
  const id = (JSON.parse(begun.text) as { bulk_operation_id?: string }).bulk_operation_id;
  if (id === undefined) throw new Error(`bulk: ${begun.status} ${begun.text}`);
  for (;;) {
    await wait(20);
    const { text } = await probe.ask({ verb: "GET", path: `/api/v1/bulk/${id}` });
    const task = JSON.parse(text) as { status: string; affected: number };
    if (task.status !== "running" && task.status !== "queued") return Number(task.affected);
  }
}

async function countOf({ probe, server }: Million, queue: string, state: string): Promise<number> {
  await viewCalm(server);
  const { text } = await probe.ask({ ...search({ queue, state: [state], limit: 1 }) });
  return (JSON.parse(text) as { total: number }).total;
}

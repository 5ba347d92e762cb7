import { type Bed, payload, type Result, type RowPlan, rate, round, series } from "./bed.js";
import { runtimeFacts, ServerProcess } from "./server-process.js";

/** What a million jobs cost: memory, stalls, restarts. */
export function sizeRows(bed: Bed): RowPlan<string>[] {
  return [
    {
      name: "memory of a pending job beside its payload",
      unit: "B",
      more: false,
      must: 250,
      aim: 100,
      once: true,
      run: (home) => bed.served(home, [], (server) => memory(bed, server)),
    },
    {
      name: "longest event-loop stall at 1 M live jobs, snapshot being cut",
      unit: "ms",
      more: false,
      must: 50,
      aim: 15,
      once: true,
      run: (home) => bed.served(home, [], (server) => stall(bed, server)),
    },
    {
      name: "restart with 1 M pending to the first acknowledged write",
      unit: "s",
      more: false,
      must: 5,
      aim: 2,
      once: true,
      run: (home) => restart(bed, home),
    },
    {
      name: "rate with 1 M queued against empty",
      unit: "%",
      more: true,
      must: 80,
      aim: 95,
      once: true,
      run: (home) => bed.served(home, [], (server) => fullAgainstEmpty(bed, server)),
    },
    {
      name: "corvo server to its first answer, empty folder",
      unit: "s",
      more: false,
      must: 1,
      aim: 0.5,
      run: async (home) => {
        const server = await ServerProcess.start(bed.options.corvo, home);
        await server.stop();
        return { value: round(server.startMs / 1000), errors: 0 };
      },
    },
  ];
}

async function memory(bed: Bed, server: ServerProcess): Promise<Result> {
  await bed.warm(server);
  const before = (await runtimeFacts(server.url))?.heap_inuse_bytes ?? 0;
  const filled = await bed.fill(server, 1_000_000);
  const after = (await runtimeFacts(server.url))?.heap_inuse_bytes ?? 0;
  return {
    value: Math.round((after - before) / filled.completed - payload.length),
    errors: filled.errors,
    note: `resident memory, ${filled.completed} pending`,
  };
}

async function fullAgainstEmpty(bed: Bed, server: ServerProcess): Promise<Result> {
  await bed.warm(server);
  const empty = rate(await bed.stream(server, {}));
  const filled = await bed.fill(server, 1_000_000);
  const full = rate(await bed.stream(server, { queue: "bench.backlog" }));
  return {
    value: Math.round((100 * full.value) / empty.value),
    errors: empty.errors + full.errors + filled.errors,
    note: `${empty.value} jobs/s empty, ${full.value} jobs/s from the queue that holds them`,
  };
}

/** Fills, then works while snapshots are cut; the longest delay of the event loop over that time. */
async function stall(bed: Bed, server: ServerProcess): Promise<Result> {
  const filled = await bed.fill(server, 1_000_000);
  await runtimeFacts(server.url);
  const [before] = await series(server.url, "corvo_raft_snapshot_latest_index");
  let errors = filled.errors;
  let cut = false;
  let worst = 0;
  for (let turn = 0; turn < 10 && !cut; turn++) {
    const m = await bed.stream(server, { ms: 4000, framesPerSecond: 50_000 / 64 });
    errors += m.errors;
    worst = Math.max(worst, (await runtimeFacts(server.url))?.event_loop_delay_max_ns ?? 0);
    cut = (await series(server.url, "corvo_raft_snapshot_latest_index"))[0] > before;
  }
  return { value: round(worst / 1e6), errors, note: cut ? "a snapshot was cut meanwhile, at 50k jobs/s" : "no snapshot was cut" };
}

async function restart(bed: Bed, home: string): Promise<Result> {
  const { corvo } = bed.options;
  const first = await ServerProcess.start(corvo, home);
  const filled = await bed.fill(first, 1_000_000);
  await first.stop("SIGKILL");
  const startMs = performance.now();
  const again = await ServerProcess.start(corvo, home);
  try {
    const one = await bed.unary(again, { jobs: 1, ms: 60_000, concurrency: 1, protocol: "connect", what: "enqueue" });
    return { value: round((performance.now() - startMs) / 1000), errors: filled.errors + one.errors + (one.completed === 1 ? 0 : 1), note: "after kill -9" };
  } finally {
    await again.stop();
  }
}

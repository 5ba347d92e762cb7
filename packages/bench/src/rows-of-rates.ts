import { type Bed, type Result, type RowPlan, rate, round } from "./bed.js";
import { LagWatch, lagMsMax } from "./lag.js";

type Home = string;

/** How many jobs a second, over which road, and how long one takes. */
export function rateRows(bed: Bed): RowPlan<Home>[] {
  const cycle = (flags: string[]) => (home: string) =>
    bed.served(home, flags, async (server) => {
      await bed.warm(server);
      return rate(await bed.stream(server, {}));
    });
  const unary = (concurrency: number, protocol: "connect" | "rest", what: "enqueue" | "cycle") => (home: string) =>
    bed.served(home, [], async (server) => {
      // As a server that has been up for a while: Node translates what runs often, and one request at a time takes minutes to get there.
      await bed.unary(server, { concurrency: 100, protocol, what: "cycle", ms: 3000 });
      return bed.unary(server, { concurrency, protocol, what });
    });
  const unaryRate = (concurrency: number, protocol: "connect" | "rest", what: "enqueue" | "cycle") => async (home: string) =>
    rate(await unary(concurrency, protocol, what)(home));
  const jobs = { unit: "jobs/s", more: true };
  return [
    { ...jobs, name: "full cycle, streams, 64 a frame", must: 100_000, aim: 200_000, run: cycle(["--read-view=false"]) },
    { ...jobs, name: "same, --durable=false", must: 130_000, aim: 250_000, run: cycle(["--read-view=false", "--durable=false"]) },
    { ...jobs, name: "same, read view on and at most 1 s behind", must: 70_000, aim: 100_000, run: (home) => cycleWithView(bed, home) },
    {
      ...jobs,
      name: "enqueue only, streams",
      must: 200_000,
      aim: 400_000,
      run: (home) =>
        bed.served(home, [], async (server) => {
          await bed.warm(server);
          return rate(await bed.stream(server, { fetch: 0, count: "enqueue" }));
        }),
    },
    { ...jobs, name: "enqueue, one a request, Connect, c=10", must: 20_000, aim: 33_000, run: unaryRate(10, "connect", "enqueue") },
    { ...jobs, name: "enqueue, one a request, Connect, c=100", must: 25_000, aim: 45_000, run: unaryRate(100, "connect", "enqueue") },
    { ...jobs, name: "enqueue, one a request, REST, c=10", must: 12_000, aim: 20_000, run: unaryRate(10, "rest", "enqueue") },
    { ...jobs, name: "cycle, one job a request, c=10", must: 5_000, aim: 10_000, run: unaryRate(10, "connect", "cycle") },
    {
      name: "cycle at c=1, p50",
      unit: "ms",
      more: false,
      must: 1,
      aim: 0.5,
      run: async (home) => {
        const m = await unary(1, "connect", "cycle")(home);
        const { tcpRoundTripsPerSecond, fdatasyncPerSecond } = bed.ceilings;
        const note = `three bare round trips and three syncs alone take ${round(3000 / tcpRoundTripsPerSecond + 3000 / fdatasyncPerSecond)} ms here`;
        return { value: round(m.latencies.percentileUs(50) / 1000), errors: m.errors, note };
      },
    },
    {
      name: "p99 of a 64-job frame at 50k jobs/s",
      unit: "ms",
      more: false,
      must: 10,
      aim: 5,
      run: (home) =>
        bed.served(home, [], async (server) => {
          await bed.warm(server);
          const m = await bed.stream(server, { framesPerSecond: 50_000 / 64 });
          return { value: round(m.latencies.percentileUs(99) / 1000), errors: m.errors, note: `${Math.round((m.completed * 1000) / m.elapsedMs)} jobs/s` };
        }),
    },
  ];
}

/** As fast as it goes, and each moment at which the view is more than a second behind is an error. */
function cycleWithView(bed: Bed, home: Home): Promise<Result> {
  return bed.served(home, [], async (server) => {
    await bed.warm(server);
    const watch = new LagWatch(server);
    const measured = rate(await bed.stream(server, {}));
    const { worstMs, late, samples } = await watch.stop();
    const lag = `the view was at most ${(worstMs / 1000).toFixed(2)} s behind`;
    return {
      value: measured.value,
      errors: measured.errors + late,
      note: late > 0 ? `${lag}: over ${lagMsMax / 1000} s in ${late} of ${samples} samples` : `${lag}; ${measured.note}`,
    };
  });
}

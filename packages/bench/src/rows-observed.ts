import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Bed, type Group, type Result, series } from "./bed.js";
import { costOf, halfMs } from "./compare-rates.js";
import type { Measured } from "./loads.js";
import { ServerProcess } from "./server-process.js";

const noView = ["--read-view=false"];
const bounds = { unit: "%", more: false, must: 2, aim: 1, once: true };

/** What it costs to be scraped. */
export function scrapeGroup(bed: Bed): Group<ServerProcess> {
  return {
    flags: noView,
    prepare: async (server) => {
      await bed.warm(server);
      return server;
    },
    rows: [{ ...bounds, name: "metrics scraped every second, cost of the cycle's rate", run: (server) => scraped(bed, server) }],
  };
}

function scraped(bed: Bed, server: ServerProcess): Promise<Result> {
  const load = (): Promise<Measured> => bed.stream(server, { ms: halfMs(bed) });
  return costOf(load, async () => {
    let failed = 0;
    const scrape = (): void =>
      void series(server.url, "corvo_raft_applied_index").then(
        ([index]) => void (index > 0 || failed++),
        () => failed++,
      );
    scrape();
    const timer = setInterval(scrape, 1000);
    const measured = await load();
    clearInterval(timer);
    measured.errors += failed;
    return measured;
  });
}

interface Traced {
  bare: ServerProcess;
  /** Tells a collector of every hundredth trace. */
  sampled: ServerProcess;
  /** Tells it of every one. */
  all: ServerProcess;
  collector: Server;
  received: () => number;
}

/** What traces cost: the streams of a worker have a span per log entry, calls have one each. */
export function tracingGroup(bed: Bed): Group<Traced> {
  const streams = (server: ServerProcess) => () => bed.stream(server, { ms: halfMs(bed) });
  const calls = (server: ServerProcess) => () => bed.unary(server, { concurrency: 10, protocol: "connect", what: "cycle", ms: halfMs(bed) });
  const checked = (of: Promise<Result>, { received }: Traced): Promise<Result> =>
    of.then((result) => (received() > 0 ? result : { ...result, errors: result.errors + 1, note: "the collector was told of nothing" }));
  return {
    flags: noView,
    prepare: async (bare, home) => {
      let bytes = 0;
      const collector = createServer((req, res) => {
        req.on("data", (chunk: Buffer) => (bytes += chunk.length));
        req.on("end", () => res.writeHead(200, { "content-type": "application/json" }).end("{}"));
      });
      await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
      const flags = [...noView, "--otel-endpoint", `127.0.0.1:${(collector.address() as AddressInfo).port}`];
      const { corvo } = bed.options;
      const ratio = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };
      const sampled = await ServerProcess.start(corvo, join(home, "sampled"), flags, ratio);
      const all = await ServerProcess.start(corvo, join(home, "all"), flags);
      for (const server of [bare, sampled, all]) {
        await bed.warm(server);
        await calls(server)();
      }
      return { bare, sampled, all, collector, received: () => bytes };
    },
    end: async ({ sampled, all, collector }) => {
      await sampled.stop();
      await all.stop();
      collector.closeAllConnections();
      collector.close();
    },
    rows: [
      { ...bounds, name: "one trace in a hundred, cost of the cycle's rate", run: (on) => checked(costOf(streams(on.bare), streams(on.sampled)), on) },
      { ...bounds, name: "one trace in a hundred, cost of one job a request, c=10", run: (on) => checked(costOf(calls(on.bare), calls(on.sampled)), on) },
      { ...bounds, must: 10, aim: 5, name: "all traces, cost of the cycle's rate", run: (on) => checked(costOf(streams(on.bare), streams(on.all)), on) },
      { ...bounds, must: 30, aim: 15, name: "all traces, cost of one job a request, c=10", run: (on) => checked(costOf(calls(on.bare), calls(on.all)), on) },
    ],
  };
}

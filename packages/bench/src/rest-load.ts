import type { Measured, StreamLoad, Target } from "./loads.js";
import { Run } from "./loads.js";
import { requestHead, UnaryConnection } from "./unary-client.js";

/** The batch phases over REST: enqueue/batch, fetch/batch with ack/batch; one job a request where the batch size is 1. */
export async function restBatchLoad(target: Target, load: StreamLoad): Promise<Measured> {
  const { hostname, port, host } = new URL(target.url);
  const run = new Run(load);
  const post = async (connection: UnaryConnection, path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await connection.request(requestHead(host, `/api/v1${path}`, "application/json", target.headers), Buffer.from(JSON.stringify(body)));
    if (answer.status === 204) return {};
    if (answer.status >= 400) throw new Error(`${answer.status} ${answer.body.toString()}`);
    return JSON.parse(answer.body.toString()) as Record<string, unknown>;
  };
  const payload: unknown = JSON.parse(load.payload);
  const adder = async (connection: UnaryConnection): Promise<void> => {
    for (let count = run.take(load.enqueue); count > 0; count = run.take(load.enqueue)) {
      const startMs = performance.now();
      try {
        if (count === 1) await post(connection, "/enqueue", { queue: load.queue, payload });
        else await post(connection, "/enqueue/batch", { jobs: Array.from({ length: count }, () => ({ queue: load.queue, payload })) });
        run.done(count, (performance.now() - startMs) * 1000);
      } catch (cause) {
        run.started -= count;
        await run.failed((cause as Error).message);
      }
    }
  };
  const worker = async (connection: UnaryConnection, number: number): Promise<void> => {
    while (!run.over && run.result.completed < load.jobs) {
      const startMs = performance.now();
      try {
        const fetched = await post(connection, "/fetch/batch", {
          queues: [load.queue],
          worker_id: `bench-worker-${number}`,
          hostname: "bench-host",
          timeout: 1,
          count: load.fetch,
        });
        const jobs = (fetched.jobs ?? []) as { job_id: string; fence?: number }[];
        if (jobs.length === 0) continue;
        if (load.workDurationMs > 0) await new Promise((resolve) => setTimeout(resolve, load.workDurationMs * jobs.length));
        const acked =
          jobs.length === 1
            ? (await post(connection, `/ack/${jobs[0].job_id}`, { fence: jobs[0].fence })) && 1
            : Number((await post(connection, "/ack/batch", { acks: jobs.map(({ job_id, fence }) => ({ job_id, fence })) })).acked);
        run.done(acked, (performance.now() - startMs) * 1000);
      } catch (cause) {
        await run.failed((cause as Error).message);
      }
    }
  };
  const connections = Array.from({ length: load.streams }, () => new UnaryConnection(hostname, Number(port)));
  await Promise.all(connections.map((connection, i) => (load.enqueue > 0 ? adder(connection) : worker(connection, i))));
  const result = run.end();
  for (const connection of connections) connection.close();
  return result;
}

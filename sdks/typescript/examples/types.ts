// What the types allow and what they refuse; compiled by a test, never run.
import { type CorvoClient, defineJob, Worker } from "@corvo/sdk";

const resize = defineJob<{ width: number }, { file: string }>("resize");
const beat = defineJob<void>("beat");

export async function producers(client: CorvoClient): Promise<void> {
  await client.enqueue(resize, { width: 64 }, { priority: "high" });
  await client.enqueue("anything", { goes: true });
  await client.enqueue(beat, undefined);
  await client.enqueueMany([{ job: resize, payload: { width: 1 } }]);
  // @ts-expect-error: not its payload
  await client.enqueue(resize, {});
  // @ts-expect-error: not a number
  await client.enqueue(resize, { width: "64" });
  // @ts-expect-error: no such priority
  await client.enqueue(resize, { width: 64 }, { priority: "low" });
  // @ts-expect-error: a request id belongs to one call, not to a kind of job
  defineJob("resize", { requestId: "x" });
  const [job] = await client.fetch<{ width: number }>(["resize"]);
  job.payload.width.toFixed();
}

export function workers(client: CorvoClient): void {
  const worker = new Worker(client);
  worker.handle(resize, ({ width }, { job, signal }) => ({ file: `${width} ${job.payload.width} ${signal.aborted}` }));
  worker.handle(resize, async ({ width }) => ({ file: `${width}` }));
  worker.handle(beat, () => {});
  worker.handle("anything", (payload: unknown) => payload);
  // @ts-expect-error: not its result
  worker.handle(resize, () => ({ file: 1 }));
  // @ts-expect-error: no result
  worker.handle(resize, async () => {});
  // @ts-expect-error: not its payload
  worker.handle(resize, ({ height }) => ({ file: `${height}` }));
}

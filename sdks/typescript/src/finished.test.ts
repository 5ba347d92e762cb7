import { expect, test } from "vitest";
import { connect, Worker } from "./index.js";
import { TestServer } from "./testing/server.js";

test("finished: the result of a job that ends while one waits, of one that has ended, and what became of one that failed", async () => {
  const server = await TestServer.start();
  const client = connect({ url: server.url });
  const worker = new Worker(client, { signals: false });
  worker.handle<{ n: number }, { twice: number }>("double", ({ n }) => {
    if (n < 0) throw new Error("too small");
    return { twice: 2 * n };
  });
  const { id } = await client.enqueue("double", { n: 21 });
  const waiting = client.finished(id);
  const running = worker.run();
  expect(await waiting).toMatchObject({ id, state: "completed", result: { twice: 42 } });
  expect(await client.finished(id)).toMatchObject({ state: "completed", result: { twice: 42 } });
  const { id: bad } = await client.enqueue("double", { n: -1 }, { maxAttempts: 1 });
  const failed = await client.finished(bad);
  expect([failed.state, failed.errors[0].error]).toEqual(["dead", "too small"]);
  worker.stop();
  await running;

  await expect(client.finished("job_00000000000000000000000000")).rejects.toMatchObject({ reason: "NOT_FOUND" });
  const { id: never } = await client.enqueue("nobody", {});
  const gone = expect(client.finished(never)).rejects.toMatchObject({ reason: "NOT_FOUND" });
  await client.delete(never);
  await gone;
  const { id: left } = await client.enqueue("nobody", {});
  const stop = new AbortController();
  const given = expect(client.finished(left, { signal: stop.signal })).rejects.toMatchObject({ reason: "CANCELLED" });
  stop.abort();
  await given;
  client.close();
  await server.end();
});

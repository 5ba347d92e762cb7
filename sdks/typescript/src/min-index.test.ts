import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { CorvoClient } from "./client.js";

/** Answers every call with an empty message and keeps what was asked. */
function recorder(): { transport: Transport; asked: { name: string; minIndex: unknown }[] } {
  const asked: { name: string; minIndex: unknown }[] = [];
  const unary = async (method: DescMethod, _signal: unknown, _timeoutMs: unknown, _header: unknown, input: object) => {
    asked.push({ name: method.name, minIndex: (input as { minIndex?: unknown }).minIndex });
    return { stream: false, service: method.parent, method, header: new Headers(), trailer: new Headers(), message: create(method.output as DescMessage) };
  };
  const transport = { unary, stream: () => Promise.reject(new Error("no streams here")) } as unknown as Transport;
  return { transport, asked };
}

test("atLeast: every read asks for the index, writes do not, and an index of its own stays", async () => {
  const { transport, asked } = recorder();
  const client = new CorvoClient({ transport }).atLeast(77n);
  await client.queues();
  await client.jobs(["job_1"]);
  await client.explain("job_1");
  await client.workers();
  await client.search.page({ queue: "mail" });
  await client.search.page({ queue: "mail" }, { minIndex: 80n });
  await client.search.errors();
  await client.together.children("job_1");
  await client.money.budgets();
  await client.access.keys();
  await client.webhooks.list();
  for await (const _ of client.schedules.list()) break;
  await client.pauseQueue("mail");
  expect(asked.map(({ minIndex }) => minIndex)).toEqual([77n, 77n, 77n, 77n, 77n, 80n, 77n, 77n, 77n, 77n, 77n, 77n, undefined]);
});

import type { FakeServer } from "../fake-server.js";

/** What the made-up server answers to the commands of `commands/workers.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  const said = { quiet: "quiet", stop: "stopping", resume: "resumed" };
  for (const [order, status] of Object.entries(said)) server.on(`POST /api/v1/workers/w-1/${order}`, 200, { status });
}

import { beforeAll, expect, test } from "vitest";
import { serve, type TestServer } from "../../server/test/harness.js";
import { compareOrWrite } from "../status/compare.js";
import { password } from "./rows-auth.js";
import { sections } from "./rows.js";
import { type Outcome, runRows } from "./run-rows.js";
import { restStatus } from "./table.js";

let open: TestServer;
let guarded: TestServer;
beforeAll(async () => {
  open = await serve();
  guarded = await serve({ "admin-password": password }).catch(() => open);
});

const outcomes = new Map<string, Outcome[]>();

test.each(sections)("every row of “$title” answers as specified, or its route does not exist yet", async ({ title, rows }) => {
  let queues = 0;
  const world = { servers: { open: open.rest, guarded: guarded.rest }, rest: open.rest, queue: () => `${title.slice(0, 2).toLowerCase()}.${++queues}` };
  const ran = await runRows(rows, world);
  outcomes.set(title, ran);
  const wrong = ran.filter(({ verdict }) => verdict === "differs").map(({ row, case: each, fault }) => `${row.method} ${row.path}, ${each.what}: ${fault}`);
  expect(wrong).toEqual([]);
});

test("docs/rest-status.md says how every row answers", () => {
  compareOrWrite("docs/rest-status.md", restStatus(sections.map(({ title }) => ({ title, outcomes: outcomes.get(title) ?? [] }))));
});

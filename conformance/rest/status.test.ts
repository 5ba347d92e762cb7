import { beforeAll, expect, test } from "vitest";
import { serve, type TestServer } from "../../server/test/harness.js";
import { compareOrWrite } from "../status/compare.js";
import { notYet, notYetRoutes } from "./not-yet.js";
import { OpenApi } from "./openapi.js";
import { sections } from "./rows.js";
import { password } from "./rows-auth.js";
import { type Outcome, runRows } from "./run-rows.js";
import { restStatus } from "./table.js";

let openApi: OpenApi;
const undescribed = new Map<string, string>();
let open: TestServer;
let guarded: TestServer;
beforeAll(async () => {
  open = await serve();
  openApi = new OpenApi((await open.rest.get("/openapi.json")).json);
  guarded = await serve({ "admin-password": password }).catch(() => open);
});

const nameOf = ({ row, case: each }: Outcome): string => `${row.method} ${row.path}, ${each.what}`;
const outcomes = new Map<string, Outcome[]>();

test.each(sections)("every row of “$title” answers as specified, or its route does not exist yet", async ({ title, rows }) => {
  let queues = 0;
  const world = { servers: { open: open.rest, guarded: guarded.rest }, rest: open.rest, queue: () => `${title.slice(0, 2).toLowerCase()}.${++queues}` };
  const ran = await runRows(rows, world, (method, path, body, answer) => {
    for (const fault of openApi.faults(method, path, body, answer)) undescribed.set(fault, path);
  });
  outcomes.set(title, ran);
  const wrong = ran.filter((outcome) => outcome.verdict === "differs" && !notYet.has(nameOf(outcome)));
  expect(wrong.map((outcome) => `${nameOf(outcome)}: ${outcome.fault}`)).toEqual([]);
});

test("requests that are accepted and all answers are as the OpenAPI description says", () => {
  expect([...undescribed.keys()]).toEqual([]);
});

test("every route of the OpenAPI description was reached", () => {
  expect(openApi.unreached.filter((name) => !notYetRoutes.has(name))).toEqual([]);
});

test("docs/rest-status.md says how every row answers", () => {
  compareOrWrite("docs/rest-status.md", restStatus(sections.map(({ title }) => ({ title, outcomes: outcomes.get(title) ?? [] }))));
});

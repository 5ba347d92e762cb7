import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/** What callers of one namespace, or of some queues, could see or change of what is not theirs. */
const root = { "x-api-key": "root" };
const keys: Record<string, Record<string, string>> = { root };
let server: TestServer;

beforeAll(async () => {
  server = await serve({ "admin-password": "root" });
  for (const [name, more] of Object.entries({
    acme: { namespace: "acme" },
    plain: {},
    reader: { role: "readonly" },
    mail: { namespace: "acme", queue_scope: "mail.*" },
    mailAdmin: { namespace: "acme", queue_scope: "mail.*", role: "admin" },
  })) {
    const { json } = await server.rest.post("auth/keys", { name, role: "operator", ...more }, root);
    keys[name] = { "x-api-key": json.api_key };
  }
});
afterAll(() => server.stop());

const get = async (who: string, path: string) => await server.rest.get(path, keys[who]);
const post = async (who: string, path: string, body: unknown = {}) => await server.rest.post(path, body, keys[who]);

describe("callers of default who are no admins over everything", () => {
  it("see what default spent and not what others did", async () => {
    for (const [who, cost_usd] of [
      ["acme", 5],
      ["plain", 1],
    ] as const) {
      const { json } = await post(who, "enqueue", { queue: "spent" });
      await post(who, "fetch", { queues: ["spent"], worker_id: who, timeout: 5 });
      expect((await post(who, `ack/${json.job_id}`, { usage: { cost_usd } })).status).toBe(200);
    }
    const spent = async (who: string) => {
      const { totals, groups } = (await get(who, "usage/summary?group_by=queue")).json;
      return [totals.cost_usd, groups.map(({ key }: { key: string }) => key)];
    };
    for (const who of ["plain", "reader"]) {
      expect(await spent(who), who).toEqual([1, ["spent"]]);
      expect((await get(who, "billing/summary")).json.summary).toMatchObject([{ namespace: "default", cost_usd: 1 }]);
    }
    expect(await spent("acme")).toEqual([5, ["spent"]]);
    expect(await spent("root")).toEqual([6, ["acme::spent", "spent"]]);
  });

  it("export and import the jobs of default alone", async () => {
    await post("acme", "enqueue", { queue: "secret", payload: "secret" });
    for (const who of ["plain", "reader"]) {
      expect((await get(who, "admin/backup?namespace=acme")).status, who).toBe(403);
      expect((await get(who, "admin/backup")).status, who).toBe(200);
    }
    expect(JSON.stringify((await get("root", "admin/backup?namespace=acme")).json)).toContain("secret");
    const before = (await get("acme", "queues")).json;
    for (const [query, backup] of [
      ["?namespace=acme", { jobs: [{ queue: "planted" }] }],
      ["", { namespace: "acme", jobs: [{ queue: "planted" }] }],
      ["", { jobs: [{ queue: "fine" }, { queue: "acme::planted" }] }],
    ] as const)
      expect((await post("plain", `admin/restore${query}`, backup)).status, JSON.stringify(backup)).toBe(403);
    expect((await get("acme", "queues")).json).toEqual(before);
    expect((await post("plain", "admin/restore", { jobs: [{ queue: "fine" }] })).json.restored_jobs).toBe(1);
    expect((await post("root", "admin/restore?namespace=acme", { jobs: [{ queue: "planted" }] })).json.restored_jobs).toBe(1);
  });
});

describe("pages of lists", () => {
  it("are not filled by what others have", async () => {
    const cron = "0 0 1 1 *";
    await post("plain", "batch", { callback_queue: "done" });
    await post("plain", "enqueue", { queue: "one", chain: { steps: [{ queue: "one" }, { queue: "two" }] } });
    for (let i = 0; i < 5; i++) {
      expect((await post("acme", "batch", { callback_queue: "done" })).status).toBeLessThan(300);
      await post("acme", "enqueue", { queue: "one", chain: { steps: [{ queue: "one" }, { queue: "two" }] } });
      await post("acme", "schedules", { name: `s${i}`, cron, job: { queue: "one" } });
    }
    expect((await post("plain", "schedules", { name: "mine", cron, job: { queue: "one" } })).status).toBeLessThan(300);
    for (const [path, field] of [
      ["batches", "batches"],
      ["chains", "chains"],
      ["schedules", "schedules"],
    ] as const) {
      const first = (await get("plain", `${path}?limit=1`)).json;
      expect([path, first[field].length, first.cursor ?? "", first.next_page_token ?? ""]).toEqual([path, 1, "", ""]);
      let more = (await get("acme", `${path}?limit=2`)).json;
      const seen = [...more[field]];
      for (let at = more.cursor || more.next_page_token; at; at = more.cursor || more.next_page_token) {
        more = (await get("acme", `${path}?limit=2&cursor=${at}&page_token=${at}`)).json;
        seen.push(...more[field]);
      }
      expect(new Set(seen.map(({ id }: { id: string }) => id)).size, path).toBe(5);
    }
    const events = (await get("plain", "cluster/events?limit=3&types=enqueued")).json.events;
    expect(events.map(({ queue }: { queue: string }) => queue)).toEqual(["spent", "fine", "one"]);
  });
});

it("a preview of a bulk operation is for those who see the same jobs", async () => {
  const id = (await post("acme", "enqueue", { queue: "mail.out" })).json.job_id;
  const preview = async (who: string) => (await post(who, "jobs/bulk/preview", { action: "cancel", filter: { queue: "mail.out" } })).json;
  const { token, count } = await preview("acme");
  expect(Number(count)).toBe(1);
  for (const who of ["plain", "mail", "root"]) {
    const { status } = await post(who, "jobs/bulk", { action: "cancel", token });
    expect([who, status < 300]).toEqual([who, false]);
  }
  expect((await get("acme", `jobs/${id}`)).json.state).toBe("pending");
  expect((await post("acme", "jobs/bulk", { action: "cancel", token })).status).toBe(200);
  expect((await get("acme", `jobs/${id}`)).json.state).toBe("cancelled");
});

describe("a key of some queues", () => {
  const other = "a schedule of an allowed name for another queue";

  it("has nothing to do with schedules for other queues, whatever they are called", async () => {
    const put = { name: "mail.daily", cron: "0 0 1 1 *", job: { queue: "payroll" } };
    expect((await post("acme", "schedules", put)).status).toBeLessThan(300);
    for (const path of ["run", "pause", "resume"]) expect((await post("mail", `schedules/mail.daily/${path}`)).status, other).toBe(403);
    expect((await get("mail", "schedules/mail.daily/next")).status).toBe(403);
    expect((await get("mail", "schedules/mail.daily")).status).toBe(404);
    expect((await server.rest.call("DELETE", "schedules/mail.daily", undefined, keys.mail)).status).toBe(403);
    expect((await post("mail", "schedules", { ...put, job: { queue: "mail.out" } })).status).toBe(403);
    expect((await get("acme", "schedules/mail.daily")).json).toMatchObject({ job: { queue: "payroll" }, runs: 0 });
    expect((await post("mail", "schedules", { ...put, name: "mail.own", job: { queue: "mail.out" } })).status).toBeLessThan(300);
    expect((await post("mail", "schedules/mail.own/run")).status).toBeLessThan(300);
  });

  it("does not read of other queues in the audit log", async () => {
    await post("acme", "queues/payroll/pause");
    for (const who of ["mail", "mailAdmin"]) expect((await get(who, "audit-logs")).status).toBe(403);
    expect(JSON.stringify((await get("acme", "audit-logs")).json)).toContain("payroll");
  });
});

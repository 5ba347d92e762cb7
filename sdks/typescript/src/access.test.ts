import { afterAll, beforeAll, expect, test } from "vitest";
import { type CorvoClient, connect } from "./index.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
let admin: CorvoClient;
let rootKey: string;
beforeAll(async () => {
  server = await TestServer.start();
  const open = connect({ url: server.url });
  expect((await open.access.whoAmI()).open).toBe(true);
  const { key } = await open.access.createKey("root", { role: "admin" });
  open.close();
  rootKey = key;
  admin = connect({ url: server.url, apiKey: key });
});
afterAll(async () => {
  admin.close();
  await server.end();
});

test("keys with roles and scopes, until they are revoked", async () => {
  const { key, keyHash } = await admin.access.createKey("mailer", { role: "worker", queueScope: "mail.*" });
  const mailer = connect({ url: server.url, apiKey: key, tries: 1 });
  const who = await mailer.access.whoAmI();
  expect([who.principal, who.may("WorkerService/Enqueue"), who.may("JobService/CancelJob")]).toEqual(["mailer", true, false]);
  const { id } = await mailer.enqueue("mail.out", { to: "ada" });
  await expect(mailer.enqueue("other", {})).rejects.toMatchObject({ code: "permission_denied" });
  await expect(mailer.cancel(id)).rejects.toMatchObject({ code: "permission_denied" });
  await admin.access.setRole("canceller", [{ resource: "jobs", actions: ["cancel"] }]);
  await admin.access.assignRole(keyHash, "canceller");
  expect(await admin.access.keyRoles(keyHash)).toEqual(["canceller"]);
  await mailer.cancel(id);
  await admin.access.unassignRole(keyHash, "canceller");
  await admin.access.deleteRole("canceller");
  expect(await admin.access.roles()).toEqual([]);
  expect((await admin.access.keys()).map((one) => [one.name, one.role, one.queueScope])).toEqual([
    ["mailer", "worker", "mail.*"],
    ["root", "admin", ""],
  ]);
  await admin.access.revokeKey(keyHash);
  await expect(mailer.enqueue("mail.out", {})).rejects.toMatchObject({ code: "unauthenticated" });
  mailer.close();
  const { entries } = await admin.access.auditLog({ principal: "mailer" });
  expect(entries.map((one) => [one.path, one.status])).toEqual([["/corvo.v1.JobService/CancelJob", 200]]);
});

test("a namespace that does not exist is an error, and is not made by a slip", async () => {
  const nope = connect({ url: server.url, apiKey: rootKey, namespace: "nope" });
  const missing = { code: "not_found", message: expect.stringContaining('namespace "nope" not found'), field: "namespace" };
  await expect(nope.enqueue("work", {})).rejects.toMatchObject(missing);
  await expect(nope.queues()).rejects.toMatchObject(missing);
  await expect(admin.access.createKey("k", { namespace: "nope" })).rejects.toMatchObject(missing);
  expect(await admin.access.namespaces()).toEqual(["default"]);
  await nope.access.createNamespace("nope");
  expect(await nope.queues()).toEqual([]);
  await nope.access.deleteNamespace("nope");
  nope.close();
});

test("namespaces do not see each other", async () => {
  await admin.access.createNamespace("acme");
  await admin.access.setRateLimits("acme", { writeRps: 500, writeBurst: 500 });
  expect(await admin.access.rateLimits("acme")).toEqual({ writeRps: 500, writeBurst: 500 });
  await admin.access.setRateLimits("acme", {});
  expect(await admin.access.rateLimits("acme")).toBeUndefined();
  const { key } = await admin.access.createKey("acme", { role: "operator", namespace: "acme" });
  const acme = connect({ url: server.url, apiKey: key });
  const { id } = await acme.enqueue("work", { n: 1 });
  expect((await acme.job(id))?.queue).toBe("work");
  expect((await admin.job(id))?.queue).toBe("acme::work");
  const inside = connect({ url: server.url, apiKey: rootKey, namespace: "acme" });
  expect((await inside.job(id))?.queue).toBe("work");
  inside.close();
  expect(await admin.access.namespaces()).toEqual(["acme", "default"]);
  expect(await acme.access.namespaces()).toEqual(["acme"]);
  await admin.access.deleteNamespace("acme");
  acme.close();
});

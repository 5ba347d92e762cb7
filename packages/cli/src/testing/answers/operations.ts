import type { FakeServer } from "../fake-server.js";

/** What the made-up server answers to the commands of `commands/operations.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  server.on("GET /api/v1/admin/backup", 200, '{"namespace":"default","jobs":[]}\n');
  server.on("POST /api/v1/admin/restore", 200, { status: "ok", restored_jobs: 2, namespace: "default" });
  server.on("GET /api/v1/debug/runtime", 200, { goroutines: 7, heap_inuse_bytes: 1 });
  server.on("GET /api/v1/debug/profile", 200, "{}");
}

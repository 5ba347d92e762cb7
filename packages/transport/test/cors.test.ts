import { request as http1 } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { enqueueBytes, type Served, serve } from "./harness.js";

const enqueue = "/corvo.v1.WorkerService/Enqueue";
let served: Served;
afterEach(() => served.listener.close({ graceMs: 0 }));

function call(method: string, headers: Record<string, string>, body?: Uint8Array): Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const request = http1({ port: served.port, host: "127.0.0.1", path: enqueue, method, headers }, (response) => {
      response.resume().once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    request.once("error", reject);
    request.end(body);
  });
}

describe.each([{ hot: true }, { hot: false }])("pages of other origins may call RPC, hot=$hot", ({ hot }) => {
  it("a browser that asks first is told what it may send", async () => {
    served = await serve({ hot });
    const { status, headers } = await call("OPTIONS", { origin: "https://x", "access-control-request-method": "POST" });
    expect([status, headers["access-control-allow-origin"]]).toEqual([200, "*"]);
    for (const name of ["Connect-Protocol-Version", "X-Grpc-Web", "X-API-Key"]) expect(headers["access-control-allow-headers"]).toContain(name);
  });

  it.each(["application/proto", "application/grpc-web+proto"])("answers and refusals carry the header, %s", async (type) => {
    served = await serve({ hot });
    for (const body of [enqueueBytes("q", "{}"), enqueueBytes("q", "refuse")]) {
      const { headers } = await call("POST", { origin: "https://x", "content-type": type }, body);
      expect(headers["access-control-allow-origin"]).toBe("*");
      expect(headers["access-control-expose-headers"]).toContain("Grpc-Status");
    }
    expect((await call("POST", { "content-type": type }, enqueueBytes("q", "{}"))).headers).not.toHaveProperty("access-control-allow-origin");
  });
});

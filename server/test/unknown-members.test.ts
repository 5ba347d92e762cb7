import { connect, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envelope } from "../../packages/transport/test/frames.js";
import { serve, type TestServer } from "./harness.js";

/** A misspelled member of a bulk filter is refused in every way to send JSON; anywhere else a member that nobody knows is passed over. */
let server: TestServer;
beforeAll(async () => {
  server = await serve({ "no-compression": "false" });
});
afterAll(() => server.stop());

type Send = (method: string, message: unknown) => Promise<string>;

async function body(path: string, init: RequestInit): Promise<string> {
  return (await fetch(`${server.url}${path}`, init)).text();
}

const post = (path: string, type: string, bytes: Uint8Array, more: Record<string, string> = {}): Promise<string> =>
  body(path, { method: "POST", headers: { "content-type": type, ...more }, body: new Uint8Array(bytes) });

const json = (message: unknown): Buffer => Buffer.from(JSON.stringify(message));

/** HTTP/2; what was said is in the body or, for gRPC, in the trailers. */
function post2(path: string, type: string, bytes: Uint8Array, more: Record<string, string> = {}): Promise<string> {
  const session = connect(server.url);
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers", ...more });
  let said = "";
  const chunks: Buffer[] = [];
  const heard = (headers: Record<string, unknown>): void => void (said += decodeURIComponent(String(headers["grpc-message"] ?? "")));
  stream.on("response", heard).on("trailers", heard);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk)).end(bytes);
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.once("close", () => {
      session.close(constants.NGHTTP2_NO_ERROR);
      resolve(said + Buffer.concat(chunks).toString());
    });
  });
}

const ways: Record<string, Send> = {
  "Connect, HTTP/1.1": (method, message) => post(`/corvo.v1.${method}`, "application/json", json(message)),
  "Connect, HTTP/2": (method, message) => post2(`/corvo.v1.${method}`, "application/json", json(message)),
  "Connect, compressed": (method, message) => post(`/corvo.v1.${method}`, "application/json", gzipSync(json(message)), { "content-encoding": "gzip" }),
  gRPC: (method, message) => post2(`/corvo.v1.${method}`, "application/grpc+json", envelope(json(message))),
  "gRPC, compressed": (method, message) =>
    post2(`/corvo.v1.${method}`, "application/grpc+json", envelope(gzipSync(json(message)), 1), { "grpc-encoding": "gzip" }),
  "gRPC-Web": async (method, message) => decodeURIComponent(await post(`/corvo.v1.${method}`, "application/grpc-web+json", envelope(json(message)))),
  REST: (method, message) =>
    post(
      ({ "BulkService/Bulk": "/api/v1/jobs/bulk", "BulkService/PreviewBulk": "/api/v1/jobs/bulk/preview" } as Record<string, string>)[method],
      "",
      json(message),
    ),
};
const refusal = (field: string): string => `invalid JSON: filter.${field} is not known`;

describe.each(Object.entries(ways))("%s", (name, send) => {
  const queue = `strict.${name.replaceAll(/\W+/g, "-").toLowerCase()}`;
  let id: string;
  beforeAll(async () => {
    id = await server.rest.add(queue);
  });

  it.each(["BulkService/Bulk", "BulkService/PreviewBulk"])("%s: a misspelled member is refused by name, and nothing is done", async (method) => {
    expect(await send(method, { action: "cancel", filter: { queue, statee: ["held"] } })).toContain(refusal("statee"));
    expect(await send(method, { action: "cancel", filter: { statee: ["held"] } })).toContain(refusal("statee"));
    expect((await server.rest.job(id)).state).toBe("pending");
  });

  it("both spellings of names are known, and beside the filter anything is passed over", async () => {
    const filter = { queue, state: ["pending"], payload_contains: "", has_errors: false, ...(name === "REST" ? {} : { attemptMin: 0, queuePrefix: "" }) };
    const said = await send("BulkService/Bulk", { action: "cancel", filter, colour: { of: "money" } });
    expect(said).toMatch(/"affected": ?"?1"?/);
    expect((await server.rest.job(id)).state).toBe("cancelled");
  });
});

it("Connect's GET", async () => {
  const ask = (encoding: string, message: unknown, more = ""): Promise<string> =>
    body(`/corvo.v1.BulkService/PreviewBulk?connect=v1&encoding=${encoding}&message=${encodeURIComponent(JSON.stringify(message))}${more}`, {});
  expect(await ask("json", { action: "cancel", filter: { queue: "strict.get", statee: [] } })).toContain(refusal("statee"));
  expect(JSON.parse(await ask("json", { action: "cancel", filter: { queue: "strict.get" }, colour: 1 }))).toMatchObject({ token: expect.any(String) });
});

it("requests without such a filter take what they always took, on both lanes", async () => {
  const message = json({ queue: "strict.other", payloadJson: "{}", colour: "red" });
  const path = "/corvo.v1.WorkerService/Enqueue";
  expect(await post(path, "application/json", message)).toContain("jobId");
  const compressed = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: new Uint8Array(gzipSync(message)),
  });
  expect(await compressed.text()).toContain("jobId");
});

it("JSON that is no request is refused on both lanes", async () => {
  for (const text of ["[]", "1", '"x"', "{", "", '{"filter":1}', '{"filter":{"attemptMin":"x"}}']) {
    for (const [bytes, more] of [
      [Buffer.from(text), {}],
      [gzipSync(text), { "content-encoding": "gzip" }],
    ] as const) {
      const answer = JSON.parse(await post("/corvo.v1.BulkService/Bulk", "application/json", bytes, more));
      expect([text, more, answer.code]).toEqual([text, more, "invalid_argument"]);
    }
  }
});

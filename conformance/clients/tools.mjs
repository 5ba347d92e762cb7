// The general tools: no generated code, only reflection or plain HTTP. Each function does whole jobs and resolves with [way, job id] pairs.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);
const json = ["-H", "Content-Type: application/json"];

/** Add, fetch, complete, by a function that makes one call of WorkerService in proto3 JSON. */
async function job(way, queue, call) {
  const added = await call("Enqueue", { queue, payloadJson: '{"from":"a tool"}' });
  const fetched = await call("Fetch", { queues: [queue], workerId: way, leaseDuration: 15 });
  if (fetched.jobId !== added.jobId || fetched.payloadJson !== '{"from":"a tool"}') throw new Error(`${way} fetched ${JSON.stringify(fetched)}`);
  await call("Ack", { jobId: fetched.jobId, resultJson: '"done"', fence: fetched.fence });
  return [way, fetched.jobId];
}

async function output(program, args, input) {
  const running = exec(program, args, { timeout: 30_000 });
  running.child.stdin.end(input);
  return (await running).stdout;
}

export async function grpcurl(program, url, prefix) {
  const address = url.replace("http://", "");
  const services = (await output(program, ["-plaintext", address, "list"])).trim().split("\n");
  for (const name of ["corvo.v1.WorkerService", "grpc.health.v1.Health"]) if (!services.includes(name)) throw new Error(`grpcurl list: ${services}`);
  const described = await output(program, ["-plaintext", address, "describe", "corvo.v1.EnqueueRequest"]);
  if (!described.includes("string queue = 1")) throw new Error(`grpcurl describe: ${described}`);
  const health = JSON.parse(await output(program, ["-plaintext", address, "grpc.health.v1.Health/Check"]));
  if (health.status !== "SERVING") throw new Error(`grpcurl health: ${health.status}`);
  const call = async (method, message) =>
    JSON.parse(await output(program, ["-plaintext", "-d", JSON.stringify(message), address, `corvo.v1.WorkerService/${method}`]));
  // Two frames on one stream: grpcurl sends what stands on its input, then closes its side.
  const queue = `${prefix}-grpcurl-stream`;
  const frames = [
    { requestId: 1, enqueues: [{ queue, payloadJson: "{}" }] },
    { requestId: 2, queues: [queue], fetchCount: 1, waitMs: 5000 },
  ];
  const lines = await output(
    program,
    ["-plaintext", "-d", "@", address, "corvo.v1.WorkerService/StreamLifecycle"],
    frames.map((f) => JSON.stringify(f)).join("\n"),
  );
  const [added, fetched] = lines
    .trim()
    .split(/(?<=^\})\n/m)
    .map((text) => JSON.parse(text));
  if (fetched.jobs[0].jobId !== added.enqueuedJobIds[0]) throw new Error(`grpcurl's stream: ${lines}`);
  await call("AckBatch", { items: [{ jobId: fetched.jobs[0].jobId, resultJson: '"done"', fence: fetched.jobs[0].fence }] });
  return [await job("grpcurl", `${prefix}-grpcurl`, call), ["grpcurl-stream", fetched.jobs[0].jobId]];
}

export async function buf(program, url, prefix) {
  const done = [];
  for (const protocol of ["connect", "grpc", "grpcweb"]) {
    const call = async (method, message) =>
      JSON.parse(
        await output(program, [
          "curl",
          "--protocol",
          protocol,
          "--http2-prior-knowledge",
          "-d",
          JSON.stringify(message),
          `${url}/corvo.v1.WorkerService/${method}`,
        ]),
      );
    done.push(await job(`buf-${protocol}`, `${prefix}-buf-${protocol}`, call));
  }
  return done;
}

export async function curl(program, url, prefix) {
  const post = async (path, message, ...more) => {
    const args = ["-sS", "--fail-with-body", "--max-time", "20", "-X", "POST", ...json, ...more, "-d", JSON.stringify(message), `${url}${path}`];
    return JSON.parse((await output(program, args)) || "{}");
  };
  const queue = `${prefix}-curl`;
  const added = await post("/api/v1/enqueue", { queue, payload: { from: "curl" } });
  const fetched = await post("/api/v1/fetch", { queues: [queue], worker_id: "curl", timeout: 15 });
  if (fetched.job_id !== added.job_id || fetched.payload.from !== "curl") throw new Error(`curl fetched ${JSON.stringify(fetched)}`);
  await post(`/api/v1/ack/${fetched.job_id}`, { result: "done", fence: fetched.fence });
  const rpc =
    (...more) =>
    (method, message) =>
      post(`/corvo.v1.WorkerService/${method}`, message, ...more);
  return [
    ["curl-rest", fetched.job_id],
    await job("curl-connect", `${queue}-connect`, rpc()),
    await job("curl-connect-h2c", `${queue}-h2c`, rpc("--http2-prior-knowledge")),
    await job("curl-connect-upgrade", `${queue}-upgrade`, rpc("--http2")),
  ];
}

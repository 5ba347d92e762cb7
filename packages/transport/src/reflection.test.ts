import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { JobService } from "@corvo/gen/corvo/v1/job_pb.js";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { ServerReflectionRequestSchema, ServerReflectionResponseSchema } from "@corvo/gen/grpc/reflection/v1/reflection_pb.js";
import { describe, expect, test } from "vitest";
import { reflectionRoutes } from "./reflection.js";
import type { BidiHandler, Call } from "./rpc.js";

const routes = reflectionRoutes([WorkerService, JobService]);

type Asked = MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"];

function ask(route: number, messageRequest: Asked) {
  const sent: Uint8Array[] = [];
  const stream = (routes[route].handler as BidiHandler).open({} as Call, { send: (m) => void sent.push(m.slice()), end: () => {} });
  void stream.message(toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { host: "h", messageRequest })));
  const response = fromBinary(ServerReflectionResponseSchema, sent[0]);
  expect(response.validHost).toBe("h");
  expect(response.originalRequest?.messageRequest.case).toBe(messageRequest?.case);
  return response.messageResponse;
}

function files(route: number, asked: Asked): string[] {
  const answer = ask(route, asked);
  if (answer.case !== "fileDescriptorResponse") throw new Error(`${answer.case}: ${JSON.stringify(answer.value)}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

describe.each([
  [0, "grpc.reflection.v1.ServerReflection"],
  [1, "grpc.reflection.v1alpha.ServerReflection"],
])("route %i, %s", (route, name) => {
  test("has its own name and lists all services, itself among them", () => {
    expect(routes[route].method.parent.typeName).toBe(name);
    expect(ask(route, { case: "listServices", value: "" })).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "corvo.v1.JobService" },
          { name: "corvo.v1.WorkerService" },
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "grpc.reflection.v1alpha.ServerReflection" },
        ],
      },
    });
  });

  test("a file comes first, with everything it imports", () => {
    const closure = files(route, { case: "fileByFilename", value: "corvo/v1/worker.proto" });
    expect(closure[0]).toBe("corvo/v1/worker.proto");
    expect([...closure].sort()).toEqual([
      "corvo/options/v1/options.proto",
      "corvo/v1/worker.proto",
      "google/api/annotations.proto",
      "google/api/http.proto",
      "google/protobuf/descriptor.proto",
      "google/protobuf/timestamp.proto",
    ]);
  });

  test.each([
    "corvo.v1.WorkerService",
    ".corvo.v1.WorkerService",
    "corvo.v1.WorkerService.Enqueue",
    "corvo.v1.EnqueueRequest",
    "corvo.v1.EnqueueRequest.queue",
    "corvo.v1.HeartbeatRequest.JobsEntry",
    "corvo.v1.AckOutcome",
    "corvo.v1.ACK_OUTCOME_ACKED",
  ])("finds the file of %s", (symbol) => {
    expect(files(route, { case: "fileContainingSymbol", value: symbol })[0]).toBe("corvo/v1/worker.proto");
  });

  test("finds extensions, by name, by number and all of a type", () => {
    expect(files(route, { case: "fileContainingSymbol", value: "google.api.http" })[0]).toBe("google/api/annotations.proto");
    expect(files(route, { case: "fileContainingExtension", value: { containingType: "google.protobuf.MethodOptions", extensionNumber: 50002 } })[0]).toBe(
      "corvo/options/v1/options.proto",
    );
    expect(ask(route, { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" })).toMatchObject({
      value: { extensionNumber: [50002, 50004, 72295728] },
    });
    expect(ask(route, { case: "allExtensionNumbersOfType", value: "corvo.v1.EnqueueRequest" })).toMatchObject({ value: { extensionNumber: [] } });
  });

  test.each<[string, Asked]>([
    ["file x.proto", { case: "fileByFilename", value: "x.proto" }],
    ["symbol corvo.v1.Nothing", { case: "fileContainingSymbol", value: "corvo.v1.Nothing" }],
    ["extension 1 of corvo.v1.Job", { case: "fileContainingExtension", value: { containingType: "corvo.v1.Job", extensionNumber: 1 } }],
    ["message x.Y", { case: "allExtensionNumbersOfType", value: "x.Y" }],
  ])("%s is not found", (what, asked) => {
    expect(ask(route, asked)).toMatchObject({ case: "errorResponse", value: { errorCode: 5, errorMessage: `${what} not found` } });
  });

  test("a request that asks nothing and one that is none are refused", () => {
    expect(() => ask(route, { case: undefined })).toThrow("asks nothing");
    const stream = (routes[route].handler as BidiHandler).open({} as Call, { send: () => {}, end: () => {} });
    expect(() => stream.message(Uint8Array.of(0xff))).toThrow("not a ServerReflectionRequest");
  });
});

test("the files are enough to rebuild the services, options included", () => {
  const answer = ask(0, { case: "fileContainingSymbol", value: "corvo.v1.JobService" });
  if (answer.case !== "fileDescriptorResponse") throw new Error("no files");
  const file = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)).reverse();
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
  expect(registry.getService("corvo.v1.JobService")?.methods.map((m) => m.name)).toEqual(JobService.methods.map((m) => m.name));
  expect(
    registry
      .getService("corvo.v1.JobService")
      ?.methods[0].proto.options?.$unknown?.map((u) => u.no)
      .sort(),
  ).toEqual([50004, 72295728]);
});

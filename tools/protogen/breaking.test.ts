import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FieldDescriptorProto_Type, type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const baseline = "proto/baseline/corvo-v0.3.binpb";
const temporary = mkdtempSync(join(tmpdir(), "corvo-breaking-"));
afterAll(() => rmSync(temporary, { recursive: true }));

function buf(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/buf"), args, { cwd: root, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

const v03 = fromBinary(FileDescriptorSetSchema, readFileSync(join(root, baseline)));
const workerOf = (image: FileDescriptorSet) => image.file.find((file) => file.name === "corvo/v1/worker.proto")?.messageType as DescriptorProto[];

/** The protos as they are, changed in memory; what buf says about them. */
function complaints(change: (messages: DescriptorProto[]) => void): string {
  const path = join(temporary, "now.binpb");
  expect(buf("build", "proto", "-o", path).status).toBe(0);
  const image = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  change(workerOf(image));
  writeFileSync(path, toBinary(FileDescriptorSetSchema, image));
  return buf("breaking", path, "--against", baseline).output;
}

test("the protos as they are break no client of v0.3", () => {
  expect(complaints(() => {})).toBe("");
});

test("giving any field of v0.3 another number fails", () => {
  const fields = workerOf(v03).flatMap((message) => message.field.map((field) => ({ message: message.name, field: field.name })));
  expect(fields).toHaveLength(104);
  const said = complaints((messages) => {
    for (const old of workerOf(v03)) {
      for (const { name } of old.field) {
        const field = messages.find((message) => message.name === old.name)?.field.find((one) => one.name === name);
        if (field === undefined) throw new Error(`${old.name}.${name} is gone`);
        field.number += 50_000;
      }
    }
  });
  for (const { message, field } of fields) expect(said).toMatch(new RegExp(`field "\\d+" with name "${field}" on message "${message}" was deleted`));
});

test("another name or type of a field fails", () => {
  const jobId = (messages: DescriptorProto[]) => (messages.find((message) => message.name === "AckRequest") as DescriptorProto).field[0];
  const named = complaints((messages) => {
    jobId(messages).name = "id";
  });
  expect(named).toContain('Field "1" on message "AckRequest" changed name from "job_id" to "id"');
  const typed = complaints((messages) => {
    jobId(messages).type = FieldDescriptorProto_Type.BYTES;
  });
  expect(typed).toContain('Field "1" with name "job_id" on message "AckRequest" changed type from "string" to "bytes"');
});

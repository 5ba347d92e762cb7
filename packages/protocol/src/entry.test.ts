import { fromBinary } from "@bufbuild/protobuf";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeLogEntry } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { LogEntrySchema } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import { expect, test } from "vitest";
import { commandFlags, EntryReader, EntryWriter, Verb, verbNames } from "./entry.js";
import { textOf } from "./utf8.js";

const bytes = (text: string) => new TextEncoder().encode(text);

test("an entry is its commands in order", () => {
  const writer = new EntryWriter().start(1_700_000_000_000);
  writer.add({ verb: Verb.ENQUEUE, body: bytes("x".repeat(200)) });
  writer.add({
    verb: Verb.ACK,
    flags: commandFlags.absentResult,
    namespace: "käse",
    principal: "worker-1",
    requestHash: new Uint8Array(16).fill(7),
    body: bytes("b"),
  });
  writer.add({ verb: Verb.TICK });
  expect(writer.count).toBe(3);
  const entry = writer.finish();
  expect(writer.bytes).toBe(entry.length);

  const reader = new EntryReader().read(entry);
  expect([reader.count, reader.logTimeMs]).toEqual([3, 1_700_000_000_000]);
  const second = reader.command(1);
  expect([
    second.verb,
    second.flags,
    textOf(entry, second.namespaceStart, second.namespaceEnd),
    textOf(entry, second.principalStart, second.principalEnd),
  ]).toEqual([Verb.ACK, 1, "käse", "worker-1"]);
  expect(reader.command(0).bodyEnd - reader.command(0).bodyStart).toBe(200);
  expect(reader.command(2).bodyEnd - reader.command(2).bodyStart).toBe(0);

  const slow = fromBinary(LogEntrySchema, entry);
  expect([slow.version, slow.engineLevel, slow.logTimeMs]).toEqual([1, 2, 1_700_000_000_000n]);
  expect(slow.commands.map((command) => command.verb)).toEqual([Verb.ENQUEUE, Verb.ACK, Verb.TICK]);
  expect(slow.commands[1].requestHash).toEqual(new Uint8Array(16).fill(7));
});

test("golden: bytes of version 1 stay readable for ever", () => {
  const writer = new EntryWriter().start(1_700_000_000_123);
  writer.add({ verb: Verb.CANCEL, namespace: "n", principal: "p", body: bytes("body") });
  expect(Buffer.from(writer.finish()).toString("hex")).toBe("0801100218fbd095ffbc31220e080b1a016e2201703204626f6479");
});

test("an entry of a later program is not applied", () => {
  const w = new Writer();
  const read = (init: object) => {
    encodeLogEntry(w.reset(), init);
    return () => new EntryReader().read(w.copy());
  };
  expect(read({ version: 2, engineLevel: 1 })).toThrow("log entry of version 2: this program reads version 1");
  expect(read({ version: 1, engineLevel: 3 })).toThrow("log entry of engine level 3: this program knows 1 to 2");
  expect(read({})).toThrow("version 0");
});

test("verbs are the words of metrics", () => {
  expect([verbNames[Verb.ENQUEUE], verbNames[Verb.PAUSE_QUEUE], verbNames[Verb.STATE_HASH]]).toEqual(["enqueue", "pause_queue", "state_hash"]);
});

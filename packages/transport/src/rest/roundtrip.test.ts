import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { create, createFileRegistry, equals, fromBinary, ScalarType, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { FieldDescriptorProto } from "@bufbuild/protobuf/wkt";
import {
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { GetClusterStatusResponseSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { BulkGetJobsResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { ListQueuesResponseSchema } from "@corvo/gen/corvo/v1/queue_pb.js";
import { EnqueueBatchRequestSchema, FetchBatchResponseSchema, HeartbeatRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonToProto } from "./decode.js";
import { ProtoToJson } from "./encode.js";
import { planOf } from "./plan.js";

// Random messages: protobuf-es writes them, REST turns them into JSON and back, protobuf-es reads them again. And protobuf-es's own JSON is read too.

const decoder = new JsonToProto(scanJsonValue);
const encoder = new ProtoToJson();
const seed = Number(process.env.CORVO_SEED ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env.CORVO_RUNS ?? 100);

/** A message with every kind of field, singular, optional, repeated and in maps. */
function everyKind(): DescMessage {
  const kinds = [
    Type.DOUBLE,
    Type.FLOAT,
    Type.INT64,
    Type.UINT64,
    Type.INT32,
    Type.FIXED64,
    Type.FIXED32,
    Type.BOOL,
    Type.STRING,
    Type.BYTES,
    Type.UINT32,
    Type.SFIXED32,
    Type.SFIXED64,
    Type.SINT32,
    Type.SINT64,
  ];
  const named: [Type, string][] = [
    ...kinds.map((k): [Type, string] => [k, ""]),
    [Type.ENUM, ".t.Some_Color"],
    [Type.MESSAGE, ".t.Inner"],
    [Type.MESSAGE, ".google.protobuf.Timestamp"],
  ];
  const field: FieldDescriptorProto[] = [];
  const oneofDecl: { name: string }[] = [];
  const nestedType: object[] = [];
  const add = (name: string, type: Type, typeName: string, label: Label, more: object = {}): void => {
    field.push(
      create(FieldDescriptorProtoSchema, {
        name,
        jsonName: name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
        number: field.length + 1,
        type,
        typeName,
        label,
        ...more,
      }),
    );
  };
  for (const [type, typeName] of named) {
    const name = `${Type[type].toLowerCase()}${typeName.replaceAll(".", "_").toLowerCase()}`;
    add(`one_${name}`, type, typeName, Label.OPTIONAL);
    if (type !== Type.MESSAGE)
      add(`maybe_${name}`, type, typeName, Label.OPTIONAL, { proto3Optional: true, oneofIndex: oneofDecl.push({ name: `_maybe_${name}` }) - 1 });
    add(`list_${name}`, type, typeName, Label.REPEATED);
  }
  const keys = [Type.STRING, Type.INT32, Type.UINT64, Type.BOOL, Type.SINT64, Type.FIXED32];
  named.forEach(([type, typeName], i) => {
    const entry = `Map${field.length + 1}Entry`;
    nestedType.push({
      name: entry,
      options: { mapEntry: true },
      field: [
        { name: "key", number: 1, type: keys[i % keys.length], label: Label.OPTIONAL },
        { name: "value", number: 2, type, typeName, label: Label.OPTIONAL },
      ],
    });
    add(`map${field.length + 1}`, Type.MESSAGE, `.t.Every.${entry}`, Label.REPEATED);
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "t.proto",
    package: "t",
    syntax: "proto3",
    dependency: ["google/protobuf/timestamp.proto"],
    enumType: [
      {
        name: "Some_Color",
        value: [
          { name: "SOME_COLOR_UNSPECIFIED", number: 0 },
          { name: "SOME_COLOR_RED", number: 1 },
          { name: "SOME_COLOR_NEGATIVE", number: -1 },
        ],
      },
    ],
    messageType: [
      {
        name: "Inner",
        field: [
          { name: "text", jsonName: "text", number: 1, type: Type.STRING, label: Label.OPTIONAL },
          { name: "deeper", jsonName: "deeper", number: 2, type: Type.MESSAGE, typeName: ".t.Inner", label: Label.OPTIONAL },
        ],
      },
      { name: "Every", field, oneofDecl, nestedType } as never,
    ],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file_google_protobuf_timestamp.proto, file] }));
  const every = registry.getMessage("t.Every");
  if (every === undefined) throw new Error("the test's message is not there");
  return every;
}

function scalarOf(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.string({ unit: "binary", maxLength: 40 });
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 40 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map(positiveZero);
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map(positiveZero);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }));
    default:
      return fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  }
}

/** protobuf-es writes -0 as 0 in JSON; ours keeps the sign. */
function positiveZero(value: number): number {
  return value + 0;
}

/** JSON texts as `JSON.stringify` writes them: what REST escapes would not come back as it was. */
const jsonText = fc.json({ maxDepth: 3 }).filter((text) => !/[<>&]/.test(text));

function messageOf(desc: DescMessage, depth: number): fc.Arbitrary<Record<string, unknown>> {
  if (desc.typeName === "google.protobuf.Timestamp") {
    return fc.record({
      seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
      nanos: fc.oneof(fc.constant(0), fc.nat(999_999_999), fc.constantFrom(120_000_000, 1)),
    });
  }
  const shown = desc.fields.filter((f) => !planOf(desc).byNumber[f.number]?.hidden);
  const members = shown.map((f): [string, fc.Arbitrary<unknown>] => [f.localName, fc.option(anyValue(f, depth), { nil: undefined, freq: 2 })]);
  return fc.record(Object.fromEntries(members)).map((m) => Object.fromEntries(Object.entries(m).filter(([, v]) => v !== undefined)));
}

function anyValue(f: DescField, depth: number): fc.Arbitrary<unknown> {
  if (f.name.endsWith("_json") && f.scalar === ScalarType.STRING)
    return f.name.match(/progress|checkpoint|chain_config/) ? jsonText.map((t) => `{"v":${t}}`) : jsonText.filter((t) => t !== "null");
  const one = (type: ScalarType | undefined, message: DescMessage | undefined): fc.Arbitrary<unknown> => {
    if (message !== undefined) return depth > 2 ? fc.constant({}) : messageOf(message, depth + 1);
    return type === undefined ? fc.constantFrom(...(f.enum?.values ?? []).map((v) => v.number)) : scalarOf(type);
  };
  if (f.fieldKind === "list") return fc.array(one(f.scalar, f.message), { maxLength: 4 });
  if (f.fieldKind === "map")
    return fc
      .dictionary(scalarOf(f.mapKey).map(String), one(f.scalar, f.message), { maxKeys: 4, noNullPrototype: true })
      .map((d) => Object.fromEntries(Object.entries(d).filter(([k]) => k !== "__proto__")));
  return one(f.scalar, f.message);
}

const every = everyKind();
const schemas: DescMessage[] = [
  every,
  BulkGetJobsResponseSchema,
  ListQueuesResponseSchema,
  GetClusterStatusResponseSchema,
  EnqueueBatchRequestSchema,
  FetchBatchResponseSchema,
  HeartbeatRequestSchema,
];

describe(`seed ${seed}: CORVO_SEED=${seed} npx vitest run packages/transport/src/rest/roundtrip.test.ts`, () => {
  test.each(schemas.map((s) => [s.typeName, s] as const))("%s through REST and back", (_, desc) => {
    fc.assert(
      fc.property(messageOf(desc, 0), (init) => {
        const message = fromBinary(desc, toBinary(desc, create(desc, init as never)));
        encoder.open(planOf(desc), toBinary(desc, message));
        encoder.write(planOf(desc), undefined);
        const json = Buffer.from(encoder.takeText(), "latin1");
        JSON.parse(json.toString());
        decoder.begin();
        decoder.body(planOf(desc), json);
        const again = fromBinary(desc, decoder.take());
        // What must be written although it is absent comes back present: compare what both mean after a second turn.
        if (desc === every || desc === EnqueueBatchRequestSchema) expect(equals(desc, message, again), json.toString()).toBe(true);
        encoder.open(planOf(desc), toBinary(desc, again));
        encoder.write(planOf(desc), undefined);
        expect(encoder.takeText()).toBe(json.toString("latin1"));
      }),
      { seed, numRuns },
    );
  });

  test("protobuf-es's own JSON is read too", () => {
    fc.assert(
      fc.property(messageOf(every, 0), fc.boolean(), (init, useProtoFieldName) => {
        const message = fromBinary(every, toBinary(every, create(every, init as never)));
        decoder.begin();
        decoder.body(planOf(every), Buffer.from(toJsonString(every, message, { useProtoFieldName })));
        const again = fromBinary(every, decoder.take());
        expect(equals(every, message, again), toJsonString(every, message) + toJsonString(every, again)).toBe(true);
      }),
      { seed, numRuns },
    );
  });

  test("a message cut into pieces on the wire is read as one", () => {
    const whole = create(every, { maybeString: "a", oneTInner: undefined } as never);
    const part = (init: object): Uint8Array => toBinary(every, create(every, init as never));
    const pieces = Buffer.concat([
      part({ oneMessageTInner: { text: "a" }, listInt32: [1, 2] }),
      part({ oneMessageTInner: { deeper: { text: "b" } }, listInt32: [3] }),
      toBinary(every, whole),
    ]);
    encoder.open(planOf(every), pieces);
    encoder.write(planOf(every), undefined);
    expect(JSON.parse(encoder.takeText())).toEqual({ one_message_t_inner: { text: "a", deeper: { text: "b" } }, list_int32: [1, 2, 3], maybe_string: "a" });
  });

  test("bytes that are no message throw and leave nothing behind", () => {
    for (const bytes of [[0x0a], [0x0a, 5, 1], [0x08], [0x0b], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]]) {
      expect(() => encoder.open(planOf(every), Uint8Array.from(bytes))).toThrow("an answer");
    }
    encoder.open(planOf(every), new Uint8Array(0));
    encoder.write(planOf(every), undefined);
    expect(encoder.takeText()).toBe("{}\n");
  });
});

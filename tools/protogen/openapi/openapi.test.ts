import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DescField, DescMessage, DescService } from "@bufbuild/protobuf";
import { create, ScalarType, toBinary } from "@bufbuild/protobuf";
import { restExtensions } from "@corvo/transport";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { ProtoToJson } from "../../../packages/transport/src/rest/encode.js";
import { planOf } from "../../../packages/transport/src/rest/plan.js";
import { restBindings } from "../../../packages/transport/src/rest/rules.js";
import { operations as plainRoutes } from "./operations.mjs";

// The committed document against OpenAPI's structure, against the http rules, and against what the transcoder really writes.

type Json = Record<string, never> & { [key: string]: Json };
const document = JSON.parse(readFileSync(fileURLToPath(new URL("../../../gen/openapi/openapi.json", import.meta.url)), "utf8")) as Json;
const folder = fileURLToPath(new URL("../../../gen/ts/src/corvo/v1/", import.meta.url));
const modules = await Promise.all(
  readdirSync(folder)
    .filter((name) => name.endsWith("_pb.ts"))
    .map((name) => import(`${folder}${name}`)),
);
const services = modules.flatMap((module) => Object.values(module as object) as DescService[]).filter((each) => each.kind === "service");
const bindings = services.flatMap((s) => s.methods.flatMap((m) => restBindings(m, restExtensions)));

const ajv = new Ajv2020({
  strict: false,
  allErrors: true,
  formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, int32: true, uint32: true, int64: true, uint64: true, double: true, float: true },
});
ajv.addSchema({ $id: "corvo", components: document.components });

function faults(schema: unknown, value: unknown): unknown {
  const withBase = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"corvo#/components/'));
  const validate = ajv.compile(withBase);
  return validate(value) ? [] : validate.errors;
}

/** Follows one reference. */
function resolve(item: Json): Json {
  const ref = item.$ref as string | undefined;
  return ref === undefined
    ? item
    : ref
        .slice(2)
        .split("/")
        .reduce<Json>((at, key) => at[key], document);
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({ path, verb, operation: operation as Json, name: `${verb.toUpperCase()} ${path}` })),
);

describe("the document", () => {
  test("says who it is and comes from this version", () => {
    const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../../../package.json", import.meta.url)), "utf8"));
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "Corvo", version, license: { identifier: "Apache-2.0" } });
    expect(Object.keys(document)).toEqual(["openapi", "info", "servers", "security", "tags", "paths", "components"]);
  });

  test("every reference leads somewhere", () => {
    const lost: string[] = [];
    const walk = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(walk);
      else if (typeof value === "object" && value !== null) {
        for (const [key, inner] of Object.entries(value)) {
          if (key === "$ref" && resolve({ $ref: inner } as unknown as Json) === undefined) lost.push(String(inner));
          walk(inner);
        }
      }
    };
    walk(document);
    expect(lost).toEqual([]);
  });

  test("every schema compiles and is described", () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      ajv.compile({ $ref: `corvo#/components/schemas/${name}` });
      expect(schema.description, name).toBeTruthy();
      for (const [field, inner] of Object.entries(schema.properties ?? {})) expect(inner.description, `${name}.${field}`).toBeTruthy();
    }
  });

  test("every security scheme that is named is declared, and so is every tag", () => {
    const schemes = Object.keys(document.components.securitySchemes);
    const tags = (document.tags as unknown as { name: string }[]).map((t) => t.name);
    for (const { operation } of operations) {
      for (const tag of operation.tags as unknown as string[]) expect(tags).toContain(tag);
      for (const one of (operation.security ?? document.security) as unknown as object[])
        for (const scheme of Object.keys(one)) expect(schemes).toContain(scheme);
    }
  });
});

describe("operations", () => {
  test("are exactly the http rules, beside probes and metrics", () => {
    const ruled = bindings.map((b) => `${b.verb} ${b.template}`);
    const plain = Object.entries(plainRoutes).flatMap(([path, verbs]) => Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`));
    expect(operations.map((o) => o.name).sort()).toEqual([...ruled, ...plain].sort());
  });

  test("have ids of their own", () => {
    const ids = operations.map((o) => o.operation.operationId as unknown as string);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
  });

  test.each(operations.map((o) => [o.name, o] as const))("%s is whole", (_, { path, operation }) => {
    expect(operation.summary).toMatch(/\.$/);
    const parameters = ((operation.parameters ?? []) as unknown as Json[]).map(resolve);
    const inPath = parameters.filter((p) => (p.in as unknown) === "path");
    expect(inPath.map((p) => `{${p.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    for (const p of parameters) {
      expect(p.description, `${p.name}`).toBeTruthy();
      expect(p.schema).toBeTypeOf("object");
      if ((p.in as unknown) === "path") expect(p.required).toBe(true);
    }
    for (const [status, answer] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^[2-5]\d\d$/);
      const { description, content } = resolve(answer);
      expect(description).toBeTruthy();
      for (const { schema, example } of Object.values(content ?? {})) if (example !== undefined) expect(faults(schema, example), `${status}`).toEqual([]);
    }
    for (const { schema, example } of Object.values((operation.requestBody?.content ?? {}) as Record<string, Json>))
      if (example !== undefined) expect(faults(schema, example)).toEqual([]);
  });
});

describe("what the transcoder writes is what the document says", () => {
  const encoder = new ProtoToJson();
  const written = (desc: DescMessage, init: object, body?: DescField): unknown => {
    const plan = planOf(desc);
    encoder.open(plan, toBinary(desc, create(desc, init as never)));
    encoder.write(plan, body && plan.fields.find((f) => f.desc === body));
    return JSON.parse(encoder.takeText());
  };

  test.each(bindings.map((b) => [`${b.verb} ${b.template}`, b] as const))("%s", (_, binding) => {
    const { method, rules } = binding;
    const operation = document.paths[binding.template][binding.verb.toLowerCase()];
    const { schema } = operation.responses[String(rules.successStatus || 200)].content["application/json"];
    if (rules.statusWord === "") {
      // A single message that is the whole answer is never absent.
      const inits = binding.responseBody?.fieldKind === "message" ? [] : [{}];
      for (const init of [...inits, filled(method.output)]) expect(faults(schema, written(method.output, init, binding.responseBody))).toEqual([]);
    } else expect(faults(schema, { status: rules.statusWord })).toEqual([]);
    if (binding.body !== "json") return;
    const held = new Set(binding.segments.map((s) => (typeof s === "string" ? "" : s.name)));
    const request = written(method.input, filled(method.input)) as Record<string, unknown>;
    const body = Object.fromEntries(Object.entries(request).filter(([name]) => !held.has(name)));
    const bodySchema = operation.requestBody.content["application/json"].schema;
    expect(faults(bodySchema, body)).toEqual([]);
    expect(Object.keys(resolve(bodySchema).properties).sort()).toEqual(Object.keys(body).sort());
  });
});

/** A message with every field set to something that is not zero. */
function filled(desc: DescMessage): Record<string, unknown> {
  return Object.fromEntries(desc.fields.map((f) => [f.localName, f.fieldKind === "list" ? [one(f)] : f.fieldKind === "map" ? { k: one(f) } : one(f)]));
}

function one(f: DescField): unknown {
  if (f.message?.typeName === "google.protobuf.Timestamp") return { seconds: 1_767_323_045n, nanos: 5_000_000 };
  if (f.message !== undefined) return filled(f.message);
  if (f.enum !== undefined) return f.enum.values[1].number;
  if (f.scalar === ScalarType.STRING) return f.name.endsWith("_json") ? '{"a":1}' : "x";
  if (f.scalar === ScalarType.BOOL) return true;
  return f.scalar === ScalarType.INT64 || f.scalar === ScalarType.UINT64 ? 5n : 5;
}

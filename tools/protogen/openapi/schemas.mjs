import { ScalarType } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";
import { enumWord, restField, restFields } from "../../../packages/transport/src/rest/rules.ts";

/** JSON schemas of messages and enums, each under its own name once it was asked for. */
export class Schemas {
  #made = new Map();
  /** Ids of operations that are taken. */
  operations = new Set();

  constructor(extensions) {
    this.extensions = extensions;
  }

  /** All that were asked for, by name. */
  components() {
    return Object.fromEntries([...this.#made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Whether answers with this message are written otherwise than requests: something in it is always written. */
  #differs(desc, seen = new Set()) {
    if (seen.has(desc)) return false;
    seen.add(desc);
    return desc.fields.some((field) => restField(field, this.extensions).rules.always || (field.message !== undefined && this.#differs(field.message, seen)));
  }

  /** A message that is needed in a second form (a request on two paths, one of which holds a field; a request that an answer repeats) says so. */
  #nameOf(desc, answer, without, key) {
    const made = this.#made.get(desc.name);
    if (made === undefined || made["x-key"] === key) return desc.name;
    const fields = [...without].map((field) => field[0].toUpperCase() + field.slice(1)).join("And");
    return `${desc.name}${fields === "" ? (answer ? "Shown" : "Whole") : `Without${fields}`}`;
  }

  /** Reference to a message. `answer`: what is always written is required. */
  message(desc, answer, without = new Set()) {
    const key = JSON.stringify([desc.typeName, answer && this.#differs(desc), [...without]]);
    const name = this.#nameOf(desc, answer, without, key);
    const made = this.#made.get(name);
    if (made !== undefined && made["x-key"] !== key) throw new Error(`${desc.typeName} is needed in two forms: ${made["x-key"]} and ${key}`);
    if (made === undefined) {
      const schema = { type: "object", description: comment(desc), properties: {} };
      Object.defineProperty(schema, "x-key", { value: key, enumerable: false });
      this.#made.set(name, schema);
      const fields = restFields(desc, this.extensions).filter((f) => !without.has(f.desc.name));
      for (const f of fields) schema.properties[f.name] = this.field(f.desc, answer);
      const required = fields.filter((f) => (answer ? f.rules.always : /\bRequired\./.test(comment(f.desc)))).map((f) => f.name);
      if (required.length > 0) schema.required = required;
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** A request body: a message less what the path holds. */
  body(desc, held) {
    return this.message(desc, false, held);
  }

  field(desc, answer) {
    const { rules } = restField(desc, this.extensions);
    const text = comment(desc);
    return { ...this.#shape(desc, rules, answer), ...(text === "" ? {} : { description: text }), ...(rules.unit === "" ? {} : { "x-unit": rules.unit }) };
  }

  #shape(desc, rules, answer) {
    if (rules.jsonText) return rules.jsonObject ? { type: "object" } : {};
    if (desc.fieldKind === "list") return { type: "array", items: this.#one(desc, answer) };
    if (desc.fieldKind === "map") {
      const map = { type: "object", additionalProperties: this.#one(desc, answer) };
      if (rules.listKey === "" || answer) return map;
      const description = `The fields of ${desc.message.name} beside its key; JSON objects in them may be given as text.`;
      const item = { type: "object", description, properties: { [rules.listKey]: { type: "string" } }, required: [rules.listKey] };
      return { oneOf: [map, { type: "array", items: item }] };
    }
    return this.#one(desc, answer);
  }

  #one(desc, answer) {
    if (desc.message?.typeName === "google.protobuf.Timestamp") return { type: "string", format: "date-time" };
    if (desc.message !== undefined) return this.message(desc.message, answer);
    if (desc.enum !== undefined) return this.#enum(desc.enum);
    return scalars[desc.scalar];
  }

  #enum(desc) {
    if (!this.#made.has(desc.name)) {
      const values = desc.values.filter((v) => v.number !== 0);
      const lines = values.map((v) => `- \`${enumWord(desc, v.name)}\`: ${comment(v)}`);
      this.#made.set(desc.name, { type: "string", description: [comment(desc), ...lines].join("\n"), enum: values.map((v) => enumWord(desc, v.name)) });
    }
    return { $ref: `#/components/schemas/${desc.name}` };
  }
}

const scalars = {
  [ScalarType.STRING]: { type: "string" },
  [ScalarType.BYTES]: { type: "string", contentEncoding: "base64" },
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.DOUBLE]: { type: "number", format: "double" },
  [ScalarType.FLOAT]: { type: "number", format: "float" },
  [ScalarType.INT32]: { type: "integer", format: "int32" },
  [ScalarType.SINT32]: { type: "integer", format: "int32" },
  [ScalarType.SFIXED32]: { type: "integer", format: "int32" },
  [ScalarType.UINT32]: { type: "integer", format: "uint32", minimum: 0 },
  [ScalarType.FIXED32]: { type: "integer", format: "uint32", minimum: 0 },
  [ScalarType.INT64]: { type: "integer", format: "int64" },
  [ScalarType.SINT64]: { type: "integer", format: "int64" },
  [ScalarType.SFIXED64]: { type: "integer", format: "int64" },
  [ScalarType.UINT64]: { type: "integer", format: "uint64", minimum: 0 },
  [ScalarType.FIXED64]: { type: "integer", format: "uint64", minimum: 0 },
};

/** The comment in the proto, on one line a paragraph. */
export function comment(desc) {
  return (getComments(desc).leading ?? "")
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim()
    .replace(/([^\n])\n(?!\n)/g, "$1 ");
}

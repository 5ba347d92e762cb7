import type { DescEnum, DescExtension, DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { optionOf } from "../options.js";

/**
 * What the descriptors say about REST: `google.api.http` gives verb, path and body, `corvo.options.v1` the rest. The transcoder and
 * the OpenAPI generator both read the schema through this file, so that what is documented is what is served.
 *
 * The three extensions come as an argument because the generator has them only at run time, from the request of the compiler.
 */
export interface RestExtensions {
  /** `google.api.http`. */
  http: DescExtension;
  /** `corvo.options.v1.field`. */
  field: DescExtension;
  /** `corvo.options.v1.method`. */
  method: DescExtension;
}

export type RestVerb = "GET" | "PUT" | "POST" | "DELETE" | "PATCH";

/** A part of a path between two slashes: a word, or the field that takes what stands there. */
export type RestSegment = string | DescField;

/** `corvo.options.v1.MethodRules`. */
export interface RestMethodRules {
  successStatus: number;
  flagField: string;
  flaggedStatus: number;
  emptyUnless: string;
  statusWord: string;
  errorCode: string;
  rawBody: string;
  bodyOptional: boolean;
}

/** `corvo.options.v1.FieldRules`. */
export interface RestFieldRules {
  jsonText: boolean;
  restName: string;
  always: boolean;
  hidden: boolean;
  jsonObject: boolean;
  unit: string;
  keepNull: boolean;
  listKey: string;
  knownOnly: boolean;
}

/** One verb and path of one method. */
export interface RestBinding {
  method: DescMethod;
  verb: RestVerb;
  /** As written in the proto, for example `/api/v1/ack/{job_id}`. */
  template: string;
  /** The template's parts; the path is `"/" + segments.join("/")`. */
  segments: RestSegment[];
  /** `json`: the body is the request, less what the path holds. `raw`: the body is the text of `rawBody`. `none`: the query is the request. */
  body: "json" | "raw" | "none";
  /** The field that takes the raw body. */
  rawBody: DescField | undefined;
  /** An absent body counts as `{}`. */
  bodyOptional: boolean;
  /** The field of the answer that is the whole answer. */
  responseBody: DescField | undefined;
  rules: RestMethodRules;
}

/** A field under its REST name. */
export interface RestField {
  desc: DescField;
  name: string;
  rules: RestFieldRules;
}

/** The field that the header `Idempotency-Key` fills. */
export const requestIdField = "request_id";
/** The field that `?validate_only=true` sets, also where there is a body. */
export const validateOnlyField = "validate_only";

const noMethodRules: RestMethodRules = {
  successStatus: 0,
  flagField: "",
  flaggedStatus: 0,
  emptyUnless: "",
  statusWord: "",
  errorCode: "",
  rawBody: "",
  bodyOptional: false,
};
const noFieldRules: RestFieldRules = {
  jsonText: false,
  restName: "",
  always: false,
  hidden: false,
  jsonObject: false,
  unit: "",
  keepNull: false,
  listKey: "",
  knownOnly: false,
};

/** The REST routes of a method: none, or one per http rule. Throws when a rule asks for what the transcoder does not do. */
export function restBindings(method: DescMethod, extensions: RestExtensions): RestBinding[] {
  const rule = optionOf<HttpRule>(method, extensions.http);
  if (rule === undefined) return [];
  const rules = optionOf<RestMethodRules>(method, extensions.method) ?? noMethodRules;
  return [rule, ...rule.additionalBindings].map((one) => binding(method, one, rules, extensions));
}

function binding(method: DescMethod, rule: HttpRule, rules: RestMethodRules, extensions: RestExtensions): RestBinding {
  const fail = (what: string): never => {
    throw new Error(`${method.parent.typeName}.${method.name}: ${what}`);
  };
  if (method.methodKind !== "unary") fail("an http rule needs a unary method");
  const verb = verbs[rule.pattern.case ?? ""] ?? fail(`http rule without a known verb`);
  const template = rule.pattern.value as string;
  if (rule.body !== "" && rule.body !== "*") fail(`http rule body ${JSON.stringify(rule.body)}: only "*" and none are served`);
  if (!template.startsWith("/")) fail(`path ${template} does not start with /`);
  const segments = template
    .slice(1)
    .split("/")
    .map((part): RestSegment => {
      if (!part.includes("{")) return part;
      const name = /^\{(\w+)\}$/.exec(part)?.[1] ?? fail(`path segment ${part}: only {field} is served`);
      return fieldNamed(method.input, name);
    });
  const rawBody = rules.rawBody === "" ? undefined : fieldNamed(method.input, rules.rawBody);
  const inPath = new Set(segments.filter((s) => typeof s !== "string").map((f) => f.name));
  const leftOver = method.input.fields.filter(
    (f) => !inPath.has(f.name) && f.name !== requestIdField && f.name !== validateOnlyField && !restField(f, extensions).rules.hidden,
  );
  return {
    method,
    verb,
    template,
    segments,
    body: rawBody !== undefined ? "raw" : rule.body === "*" ? "json" : "none",
    rawBody,
    bodyOptional: rules.bodyOptional || leftOver.length === 0,
    responseBody: rule.responseBody === "" ? undefined : fieldNamed(method.output, rule.responseBody),
    rules,
  };
}

/** The fields of a message that REST knows, in the order of the proto. */
export function restFields(message: DescMessage, extensions: RestExtensions): RestField[] {
  return message.fields.map((f) => restField(f, extensions)).filter((f) => !f.rules.hidden);
}

/** One field with its REST name: the proto name, less `_json` where the string is JSON text, unless `rest_name` says otherwise. */
export function restField(desc: DescField, extensions: RestExtensions): RestField {
  const rules = optionOf<RestFieldRules>(desc, extensions.field) ?? noFieldRules;
  return { desc, rules, name: rules.restName || (rules.jsonText ? desc.name.replace(/_json$/, "") : desc.name) };
}

/** The field of this proto name. Throws when there is none. */
export function fieldNamed(message: DescMessage, name: string): DescField {
  const found = message.fields.find((f) => f.name === name);
  if (found === undefined) throw new Error(`${message.typeName} has no field ${name}`);
  return found;
}

/** The lower-case ending of an enum value: `JOB_STATE_PENDING` is `pending`. */
export function enumWord(desc: DescEnum, name: string): string {
  const prefix = desc.sharedPrefix ?? "";
  const lower = name.toLowerCase();
  return lower.startsWith(prefix) ? lower.slice(prefix.length) : lower;
}

const verbs: Record<string, RestVerb> = { get: "GET", put: "PUT", post: "POST", delete: "DELETE", patch: "PATCH" };

/** `google.api.HttpRule`, as far as it is read here. */
interface HttpRule {
  pattern: { case: string | undefined; value?: unknown };
  body: string;
  responseBody: string;
  additionalBindings: HttpRule[];
}

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Answer } from "../../server/test/rest.js";

type Json = { [name: string]: unknown };
interface Operation {
  requestBody?: { required?: boolean; content: Record<string, { schema?: Json }> };
  responses: Record<string, Json>;
}
interface Described {
  method: string;
  template: string;
  pattern: RegExp;
  operation: Operation;
}

/** The description that a server gives of itself, asked whether a request and its answer are as it says. */
export class OpenApi {
  private readonly operations: Described[] = [];
  private readonly checks = new Map<string, ValidateFunction>();
  private readonly ajv: Ajv2020;
  /** `GET /api/v1/queues`, those that were asked about. */
  readonly reached = new Set<string>();

  constructor(private readonly document: Json) {
    for (const [template, verbs] of Object.entries(document.paths as Record<string, Record<string, Operation>>)) {
      const pattern = new RegExp(`^${template.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`);
      for (const [verb, operation] of Object.entries(verbs)) this.operations.push({ method: verb.toUpperCase(), template, pattern, operation });
    }
    // `/ack/batch` before `/ack/{job_id}`.
    this.operations.sort((a, b) => a.template.split("{").length - b.template.split("{").length);
    this.ajv = new Ajv2020({ strict: false, validateFormats: true, allErrors: false });
    this.ajv.addFormat("int32", { type: "number", validate: Number.isInteger });
    this.ajv.addFormat("int64", { type: "number", validate: Number.isInteger });
    for (const name of ["uint32", "uint64"]) this.ajv.addFormat(name, { type: "number", validate: (value: number) => Number.isInteger(value) && value >= 0 });
    for (const name of ["float", "double"]) this.ajv.addFormat(name, { type: "number", validate: () => true });
    this.ajv.addFormat("byte", /^[A-Za-z0-9+/]*=*$/);
    this.ajv.addFormat(
      "date-time",
      (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
    );
    this.ajv.addSchema({ $id: "api", components: document.components }, "api");
    this.ajv.addSchema({ $id: "closed", components: closed(document.components as Json) }, "closed");
  }

  /** Operations that nobody asked about. */
  get unreached(): string[] {
    return this.operations.map(({ method, template }) => `${method} ${template}`).filter((name) => !this.reached.has(name));
  }

  /** How a request and its answer differ from the description; a request that was refused need not be valid. */
  faults(method: string, path: string, body: unknown, answer: Answer): string[] {
    const bare = path.split("?")[0];
    const absent = answer.text.startsWith("404 page not found") || (answer.status === 405 && answer.text === "");
    if (absent || notDescribed.test(bare)) return [];
    // Newer clients send several jobs there; the description has the one form that everybody sends.
    if (bare === "/api/v1/enqueue" && typeof body === "object" && body !== null && "jobs" in body) return [];
    const found = this.operations.find((each) => each.method === method && each.pattern.test(bare));
    if (!found) return answer.status === 404 || answer.status === 405 ? [] : [`${method} ${bare} answers ${answer.status} and is not described`];
    const name = `${found.method} ${found.template}`;
    this.reached.add(name);
    const faults: string[] = [];
    const asked = found.operation.requestBody?.content["application/json"]?.schema;
    if (asked && answer.status < 400 && typeof body === "object") faults.push(...this.differs(`${name} request`, asked, withoutNulls(body), "api"));
    const response = this.resolved(found.operation.responses[String(answer.status)] ?? found.operation.responses.default);
    if (!response) return [...faults, `${name} answers ${answer.status}, which is not described`];
    const content = response.content as Record<string, { schema?: Json }> | undefined;
    if (!content) return answer.text === "" ? faults : [...faults, `${name} ${answer.status} has a body, none is described`];
    const type = String(answer.headers["content-type"]).split(";")[0];
    if (!(type in content)) return [...faults, `${name} ${answer.status} is ${type}, described is ${Object.keys(content)}`];
    const schema = content[type].schema;
    if (type === "application/json" && schema) faults.push(...this.differs(`${name} ${answer.status}`, schema, answer.json, "closed"));
    return faults;
  }

  private differs(what: string, schema: Json, value: unknown, root: string): string[] {
    let check = this.checks.get(what);
    if (!check) {
      const text = JSON.stringify(root === "closed" ? closed(schema) : schema).replaceAll('"#/components/', `"${root}#/components/`);
      check = this.ajv.compile(JSON.parse(text));
      this.checks.set(what, check);
    }
    if (check(value)) return [];
    const { instancePath, message, params } = check.errors?.[0] ?? {};
    return [`${what}: ${instancePath || "body"} ${message} ${JSON.stringify(params)}`];
  }

  private resolved(node: Json | undefined): Json | undefined {
    if (typeof node?.$ref !== "string") return node;
    return node.$ref
      .split("/")
      .slice(1)
      .reduce<Json | undefined>((at, name) => at?.[name] as Json | undefined, this.document);
  }
}

/** The description itself and its page; streams of events, which JSON schemas cannot describe; the rest has no messages. */
const notDescribed = /^\/(openapi\.json|docs|ui|debug)|^\/api\/v1\/(events|bulk\/[^/]+\/progress)$/;

/** In requests `null` is the same as absent. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

/** Answers may hold no field that is not described. */
function closed(node: Json): Json {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== "object" || value === null) return value;
    const made = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copy(each)]));
    if (made.type === "object" && typeof made.properties === "object" && made.additionalProperties === undefined) made.additionalProperties = false;
    return made;
  };
  return copy(node) as Json;
}

import { requestIdField, restBindings, restFields } from "../../../packages/transport/src/rest/rules.ts";
import { examples } from "./examples.mjs";
import { operations } from "./operations.mjs";
import { comment, Schemas } from "./schemas.mjs";

const description = `Corvo's REST API. Every call is also served over Connect, gRPC and gRPC-Web on the same port; the reference of those is the protos.

Names of fields are matched without regard to case, and \`maxRetries\` is \`max_retries\`. Unknown fields are ignored. \`null\` means that the field is absent, except in \`payload\`. Integers of 64 bits are written as exact numbers and read as numbers or as strings of digits. Fields without a value are left out of answers unless they are listed as required. Times are RFC 3339 in UTC with up to nine digits of a second.

A call that is answered with an error did not happen, except with \`OUTCOME_UNKNOWN\` (504), a lost connection or a deadline: give every call that changes something an \`Idempotency-Key\` and send it again with the same key.`;

/** The whole document, the same for the same input to the byte. */
export function openApiDocument(services, extensions, version) {
  const schemas = new Schemas(extensions);
  const bindings = services.flatMap((service) => service.methods.flatMap((method) => restBindings(method, extensions)));
  const paths = {};
  for (const binding of bindings) {
    const path = (paths[binding.template] ??= {});
    path[binding.verb.toLowerCase()] = operation(binding, schemas, extensions);
  }
  for (const [path, item] of Object.entries(operations)) paths[path] = item;
  return {
    openapi: "3.1.0",
    info: {
      title: "Corvo",
      version,
      summary: "A durable job queue: an acknowledged job is on disk.",
      description,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The server that serves this document." }],
    security: [{}, { api_key: [] }, { bearer: [] }],
    tags: [
      ...services.filter((s) => bindings.some((b) => b.method.parent === s)).map((s) => ({ name: tagOf(s), description: comment(s) })),
      { name: "Operations", description: "Probes and metrics of the asked node." },
    ],
    paths: sorted(paths),
    components: {
      schemas: { ...schemas.components(), Error: errorSchema },
      responses,
      parameters: { IdempotencyKey: idempotencyKey },
      headers: responseHeaders,
      securitySchemes: {
        api_key: { type: "apiKey", in: "header", name: "X-API-Key", description: "Needed once the server has a key or an admin password." },
        bearer: { type: "http", scheme: "bearer", description: "The same key as a bearer token." },
      },
    },
  };
}

function operation(binding, schemas, extensions) {
  const { method, verb, template } = binding;
  const word = method.name[0].toLowerCase() + method.name.slice(1);
  // A method on two paths has two names; the second says by which word of HTTP it is called, or what its path does not hold.
  const id = [word, `${word}By${verb[0]}${verb.slice(1).toLowerCase()}`, `${word}Whole`].find((one) => !schemas.operations.has(one));
  schemas.operations.add(id);
  const example = examples[method.name] ?? {};
  const held = new Set(binding.segments.filter((s) => typeof s !== "string").map((f) => f.name));
  const named = restFields(method.input, extensions).filter((f) => !held.has(f.desc.name));
  const takesRequestId = named.some((f) => f.desc.name === requestIdField);
  const parameters = binding.segments
    .filter((s) => typeof s !== "string")
    .map((field) => ({ name: field.name, in: "path", required: true, description: comment(field), schema: schemas.field(field, false) }));
  if (binding.body !== "json") {
    for (const f of named) {
      if (f.desc === binding.rawBody || f.desc.name === requestIdField) continue;
      parameters.push({ name: f.name, in: "query", description: comment(f.desc), schema: schemas.field(f.desc, false) });
    }
  }
  if (takesRequestId) parameters.push({ $ref: "#/components/parameters/IdempotencyKey" });
  const [summary, ...more] = comment(method).split(/(?<=\.)\s+/);
  return {
    operationId: id,
    tags: [tagOf(method.parent)],
    summary,
    ...(more.length > 0 ? { description: more.join(" ") } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(binding.body === "none" ? {} : { requestBody: requestBody(binding, schemas, held, example) }),
    responses: { ...successes(binding, schemas, example), ...failures(binding, takesRequestId, named) },
    "x-rpc": `/${method.parent.typeName}/${method.name}`,
    ...(verb === "GET" ? {} : { "x-curl": curl(verb, template, example) }),
  };
}

function requestBody(binding, schemas, held, example) {
  if (binding.body === "raw") {
    return {
      description: comment(binding.rawBody),
      required: false,
      content: { "application/json": { schema: {}, ...exampleOf(example.request) }, "*/*": { schema: {} } },
    };
  }
  return {
    required: !binding.bodyOptional,
    content: { "application/json": { schema: schemas.body(binding.method.input, held), ...exampleOf(example.request) } },
  };
}

function successes(binding, schemas, example) {
  const { rules, method, responseBody } = binding;
  const output = comment(method.output);
  const schema =
    rules.statusWord !== ""
      ? { type: "object", properties: { status: { const: rules.statusWord } }, required: ["status"] }
      : responseBody !== undefined
        ? schemas.field(responseBody, true)
        : schemas.message(method.output, true);
  const success = (text, given) => ({
    description: text,
    headers: { "Server-Timing": { $ref: "#/components/headers/ServerTiming" } },
    content: { "application/json": { schema, ...exampleOf(given) } },
  });
  const answers = { [rules.successStatus || 200]: success(output, example.response) };
  if (rules.flagField !== "") answers[rules.flaggedStatus] = success(`The same with \`${rules.flagField}\` true.`, example.flagged);
  if (rules.emptyUnless !== "") answers[204] = { description: "Nothing came within the wait. The body is empty." };
  return answers;
}

/** The refusals that this call can meet. The code of 400 is in the description where the method has one of its own. */
function failures(binding, takesRequestId, named) {
  const { verb, method, body, rules } = binding;
  const all = {};
  const hasInput = body !== "none" || named.length > 0 || binding.segments.some((s) => typeof s !== "string");
  const own = rules.errorCode === "" || rules.errorCode === "VALIDATION_ERROR" ? "" : ` Refused for other reasons: \`${rules.errorCode}\`.`;
  if (hasInput) all[400] = own === "" ? ref("Invalid") : { ...responses.Invalid, description: responses.Invalid.description + own };
  all[401] = ref("Unauthorized");
  all[403] = ref("Forbidden");
  const worker = method.parent.name === "WorkerService";
  if (!worker && binding.segments.some((s) => typeof s !== "string")) all[404] = ref("NotFound");
  const fenced = method.input.fields.some((f) => f.name === "fence");
  if (fenced || takesRequestId) all[409] = ref("Conflict");
  if (body !== "none") all[413] = ref("TooLarge");
  all[429] = ref("Overloaded");
  all[503] = ref("Unavailable");
  if (verb !== "GET" && method.idempotency !== 1) all[504] = ref("OutcomeUnknown");
  return all;
}

function curl(verb, template, example) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => example.path?.[name] ?? (name === "job_id" ? "job_18a2b3c4d5e6f7080000000001" : "mail"));
  const data = example.request === undefined ? "" : ` -d '${JSON.stringify(example.request)}'`;
  return `curl${verb === "POST" && data !== "" ? "" : ` -X ${verb}`} "$CORVO_URL${path}"${data}`;
}

const tagOf = (service) => service.name.replace(/Service$/, "");
const exampleOf = (value) => (value === undefined ? {} : { example: value });
const ref = (name) => ({ $ref: `#/components/responses/${name}` });
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

const errorSchema = {
  type: "object",
  description: "A refusal.",
  properties: {
    error: { type: "string", description: "The sentence for a person." },
    code: { type: "string", description: "The code for a program, upper case." },
    field: { type: "string", description: "The field that was wrong, as it is called in the request, for example `jobs[3].queue`." },
    detail: { type: "string", description: "More about it, for example where a body stops being JSON." },
    retry_after_ms: { type: "integer", minimum: 1, description: "How long to wait before another try, in milliseconds." },
  },
  required: ["error", "code"],
};

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "Makes a retry safe: within an hour the same key with the same body gets the first answer again, with another body `REQUEST_ID_REUSED`. Fills `request_id`.",
  schema: { type: "string", minLength: 1, maxLength: 128 },
};

const responseHeaders = {
  ServerTiming: {
    description: "Time from the request's headers to the answer's, in milliseconds.",
    schema: { type: "string", pattern: "^proc;dur=\\d+\\.\\d{3}$" },
  },
  RetryAfter: { description: "Seconds to wait, with three decimals.", schema: { type: "string", pattern: "^\\d+\\.\\d{3}$" } },
};

const refusal = (text, code, more = {}) => ({
  description: text,
  ...more,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" }, example: { error: text.split(/[.:]/)[0].toLowerCase(), code } } },
});

const responses = {
  Invalid: refusal("The body cannot be read (`PARSE_ERROR`) or a field is missing or wrong (`VALIDATION_ERROR`).", "VALIDATION_ERROR"),
  Unauthorized: refusal("The key is missing, unknown or expired.", "UNAUTHORIZED"),
  Forbidden: refusal("The key's role does not allow this.", "FORBIDDEN"),
  NotFound: refusal("There is nothing of this id or name.", "NOT_FOUND"),
  Conflict: refusal("The lease is somebody else's now (`STALE_FENCE`), or the request id was used with another body (`REQUEST_ID_REUSED`).", "STALE_FENCE"),
  TooLarge: refusal("The payload or the whole body is over its limit.", "PAYLOAD_TOO_LARGE"),
  Overloaded: refusal("Too much is waiting: try again later.", "OVERLOADED", { headers: { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } }),
  Unavailable: refusal("No leader, a full disk, or the server is stopping: nothing happened.", "LEADER_UNAVAILABLE"),
  OutcomeUnknown: refusal("It may or may not have happened: ask again with the same Idempotency-Key.", "OUTCOME_UNKNOWN"),
};

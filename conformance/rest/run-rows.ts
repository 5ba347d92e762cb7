import { request } from "node:http";
import type { Answer, Rest } from "../../server/test/rest.js";
import type { Case, Row, Values, World } from "./row.js";
import { Check, fault, type Shape } from "./shape.js";

export interface Outcome {
  row: Row;
  case: Case;
  /** `missing`: the server has no such route. */
  verdict: "as specified" | "missing" | "later" | "differs";
  /** How it answered: `400 VALIDATION_ERROR "queue is required"`, made-up ids under their names. */
  answered: string;
  /** How it differs. */
  fault?: string;
}

/** A request and its answer, for whoever wants to look closer. */
export type Look = (method: string, path: string, body: unknown, answer: Answer) => void;

/** Runs every case against live servers, one after the other. */
export async function runRows(rows: readonly Row[], world: World, look?: Look): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const row of rows) for (const each of row.cases) outcomes.push(await runCase(row, each, world, look));
  return outcomes;
}

async function runCase(row: Row, each: Case, world: World, look: Look | undefined): Promise<Outcome> {
  let values: Values = {};
  let answer: Answer;
  try {
    values = (await each.given?.(world)) ?? {};
    const path = pathOf(filled(each.at ?? row.path, values));
    const body = typeof each.body === "string" ? filled(each.body, values) : deeply(each.body, values);
    const rest = world.servers[each.on ?? "open"];
    const headers = deeply(each.headers ?? {}, values) as Record<string, string>;
    answer = each.stream ? await firstBytes(rest, row.method, path, headers) : await rest.call(row.method, path, body, headers);
    look?.(row.method, path, body, answer);
  } catch (error) {
    return {
      row,
      case: each,
      verdict: row.later ? "later" : "differs",
      answered: "–",
      fault: `the case could not be brought about: ${(error as Error).message}`,
    };
  }
  const answered = told(answer, values);
  if (absentRoute(answer) && each.answers !== "404 page not found") return { row, case: each, verdict: row.later ? "later" : "missing", answered };
  const wrong = differs(each, values, answer);
  return { row, case: each, verdict: wrong === undefined ? "as specified" : "differs", answered, fault: wrong };
}

function absentRoute({ status, text }: Answer): boolean {
  return (status === 404 && text.startsWith("404 page not found")) || (status === 405 && text === "");
}

function differs(each: Case, values: Values, answer: Answer): string | undefined {
  if (answer.status !== each.status) return `status ${each.status} expected: ${told(answer, values)} ${answer.text.slice(0, 120)}`;
  if (each.code !== undefined && answer.json?.code !== each.code) return `code ${each.code} expected: ${told(answer, values)}`;
  if (each.error instanceof RegExp && !each.error.test(String(answer.json?.error))) return `text like ${each.error} expected: ${told(answer, values)}`;
  if (typeof each.error === "string" && answer.json?.error !== filled(each.error, values))
    return `text ${filled(each.error, values)} expected: ${told(answer, values)}`;
  for (const [name, want] of Object.entries(each.headersHave ?? {})) {
    const got = String(answer.headers[name]);
    if (want instanceof RegExp ? !want.test(got) : got !== want) return `header ${name} is ${got}`;
  }
  if (each.answers === undefined) return undefined;
  if (each.answers === "") return answer.text === "" ? undefined : `an empty body expected: ${answer.text.slice(0, 80)}`;
  if (typeof each.answers === "string") return answer.text.startsWith(each.answers) ? undefined : `begins with ${JSON.stringify(answer.text.slice(0, 40))}`;
  return fault(deeply(each.answers, values) as Shape, answer.json);
}

/** A slash in front twice: not below /api/v1. */
export function pathOf(path: string): string {
  return path.startsWith("//") ? path.slice(1) : `/api/v1${path}`;
}

export function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** Fills names in keys and values of anything. */
export function deeply(value: unknown, values: Values): unknown {
  if (typeof value === "string") return filled(value, values);
  if (value instanceof Check) return value.around?.((shape) => deeply(shape, values) as Shape) ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => deeply(each, values));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [filled(name, values), deeply(each, values)]));
}

/** Status, code and text of an answer, the same in every run. */
function told(answer: Answer, values: Values): string {
  const code = typeof answer.json?.code === "string" && answer.status >= 400 ? ` ${answer.json.code}` : "";
  let text = typeof answer.json?.error === "string" && answer.status >= 400 ? ` “${answer.json.error}”` : "";
  for (const [name, value] of Object.entries(values)) if (String(value).length > 2) text = text.replaceAll(String(value), `{${name}}`);
  return `${answer.status}${code}${text.replaceAll(/\s+/g, " ")}`;
}

/** The head and what comes first of an answer that does not end; 5 s at most. */
function firstBytes(rest: Rest, method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: rest.port, path, method, headers });
    const timer = setTimeout(() => call.destroy(new Error("nothing came within 5 s")), 5000);
    call.once("error", reject);
    call.once("response", (response) => {
      response.once("data", (chunk: Buffer) => {
        clearTimeout(timer);
        const text = chunk.toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: undefined });
        call.off("error", reject);
        call.on("error", () => {});
        call.destroy();
      });
      response.once("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: "", json: undefined });
      });
    });
    call.end();
  });
}

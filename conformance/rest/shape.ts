/** What a JSON value must look like. Objects: at least these fields; `exactly` forbids more. */
export type Shape = Check | string | number | boolean | null | readonly Shape[] | { readonly [name: string]: Shape };

export class Check {
  constructor(
    readonly name: string,
    readonly holds: (value: unknown) => string | undefined,
    /** The same check around a shape that was changed; absent where it holds none. */
    readonly around?: (change: (shape: Shape) => Shape) => Check,
  ) {}
}

const kind = (name: string, test: (value: unknown) => boolean): Check => new Check(name, (value) => (test(value) ? undefined : `is not ${name}`));

export const text = kind("a text", (value) => typeof value === "string");
export const int = kind("a whole number", (value) => Number.isInteger(value));
export const number = kind("a number", (value) => typeof value === "number");
export const bool = kind("true or false", (value) => typeof value === "boolean");
export const time = kind("a time in UTC", (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/.test(value));
export const jobId = kind("a job id", (value) => typeof value === "string" && /^job_[0-9a-f]{26}$/.test(value));
export const anything = kind("there", (value) => value !== undefined);
export const idOf = (prefix: string): Check =>
  kind(`an id like ${prefix}…`, (value) => typeof value === "string" && new RegExp(`^${prefix}[0-9a-f]{26}$`).test(value));
export const matches = (pattern: RegExp): Check => kind(`like ${pattern}`, (value) => typeof value === "string" && pattern.test(value));
export const listOf = (shape: Shape): Check =>
  new Check(
    "a list",
    (value) => (Array.isArray(value) ? value.map((each, i) => fault(shape, each, `[${i}]`)).find(Boolean) : "is not a list"),
    (change) => listOf(change(shape)),
  );
/** One of the elements looks like this. */
export const listWith = (shape: Shape): Check =>
  new Check(
    "a list with",
    (value) => {
      if (!Array.isArray(value)) return "is not a list";
      const faults = value.map((each, i) => fault(shape, each, `[${i}]`));
      if (faults.includes(undefined)) return undefined;
      // The fault of the element that came closest: the one whose first fields are right.
      const names = typeof shape === "object" && shape !== null ? Object.keys(shape) : [];
      const depth = (text: string | undefined): number => names.indexOf(/^\[\d+\]\.(\w+)/.exec(text ?? "")?.[1] ?? "");
      return `has no such element, ${faults.sort((a, b) => depth(b) - depth(a))[0] ?? "it is empty"};`;
    },
    (change) => listWith(change(shape)),
  );
export const maybe = (shape: Shape): Check =>
  new Check(
    "maybe",
    (value) => (value === undefined ? undefined : fault(shape, value, "")),
    (change) => maybe(change(shape)),
  );
export const nullOr = (shape: Shape): Check =>
  new Check(
    "or null",
    (value) => (value === null ? undefined : fault(shape, value, "")),
    (change) => nullOr(change(shape)),
  );
export const absent = kind("absent", (value) => value === undefined);
/** Undefined: the value has the shape. Otherwise where and how it differs. */
export function fault(shape: Shape, value: unknown, where = "body"): string | undefined {
  if (shape instanceof Check) {
    const wrong = shape.holds(value);
    return wrong && `${where} ${wrong}: ${shortly(value)}`;
  }
  if (shape === null || typeof shape !== "object") return value === shape ? undefined : `${where} is ${shortly(value)}, not ${shortly(shape)}`;
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length !== shape.length) return `${where} is not a list of ${shape.length}: ${shortly(value)}`;
    return shape.map((each, i) => fault(each as Shape, value[i], `${where}[${i}]`)).find(Boolean);
  }
  if (typeof value !== "object" || value === null) return `${where} is not an object: ${shortly(value)}`;
  for (const [name, each] of Object.entries(shape)) {
    const wrong = fault(each as Shape, (value as Record<string, unknown>)[name], `${where}.${name}`);
    if (wrong) return wrong;
  }
  return undefined;
}

function shortly(value: unknown): string {
  const json = value === undefined ? "absent" : JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

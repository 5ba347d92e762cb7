/** A condition in SQL with its values, which are always bound. */
export interface Condition {
  sql: string;
  values: (string | number | null)[];
}

/** A condition that is none of the forms. */
export class BadCondition extends Error {}

const path = String.raw`((?:\.\w+)+)`;
const string = String.raw`"((?:[^"\\]|\\.)*)"`;
const comparison = new RegExp(String.raw`^\s*${path}\s*(==|!=|>=|<=|>|<)\s*(?:${string}|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))\s*$`);
const call = new RegExp(String.raw`^\s*${path}\s*\|\s*(startswith|contains)\(\s*${string}\s*\)\s*$`);
const length = new RegExp(String.raw`^\s*${path}\s*\|\s*length\s*(==|!=|>=|<=|>|<)\s*(-?\d+)\s*$`);
const operators: Record<string, string> = { "==": "=", "!=": "<>", ">=": ">=", "<=": "<=", ">": ">", "<": "<" };

/** The forms of spec/rest.md §7 as SQL over the column `payload`. */
export function jqCondition(expression: string): Condition {
  let found = comparison.exec(expression);
  if (found) return compared(jsonPath(found[1]), operators[found[2]], found[3], found[4], found[5]);
  found = call.exec(expression);
  if (found) {
    const text = unquoted(found[3]);
    if (found[2] === "startswith") return { sql: "substr(json_extract(payload, ?), 1, ?) = ?", values: [jsonPath(found[1]), [...text].length, text] };
    return {
      sql: "json_type(payload, ?) = 'array' AND EXISTS (SELECT 1 FROM json_each(payload, ?) WHERE value = ?)",
      values: [jsonPath(found[1]), jsonPath(found[1]), text],
    };
  }
  found = length.exec(expression);
  if (found) return { sql: `ifnull(json_array_length(payload, ?), 0) ${operators[found[2]]} ?`, values: [jsonPath(found[1]), Number(found[3])] };
  throw new BadCondition(`unsupported payload_jq expression: ${expression}`);
}

function compared(at: string, operator: string, text: string | undefined, number: string | undefined, word: string | undefined): Condition {
  if (text !== undefined) return typed(at, "'text'", `json_extract(payload, ?) ${operator} ?`, unquoted(text));
  if (number !== undefined) return typed(at, "'integer', 'real'", `json_extract(payload, ?) ${operator} ?`, Number(number));
  if (word === "null") {
    if (operator === "=") return { sql: "ifnull(json_type(payload, ?), 'null') = 'null'", values: [at] };
    if (operator === "<>") return { sql: "ifnull(json_type(payload, ?), 'null') <> 'null'", values: [at] };
    throw new BadCondition("null can be compared by == and != only");
  }
  return typed(at, "'true', 'false'", `json_extract(payload, ?) ${operator} ?`, word === "true" ? 1 : 0);
}

/** Values of other types are not compared: SQLite would order them by type. A value that is absent is none. */
function typed(at: string, types: string, sql: string, value: string | number): Condition {
  if (sql.includes("<>")) return { sql, values: [at, value] };
  return { sql: `json_type(payload, ?) IN (${types}) AND ${sql}`, values: [at, at, value] };
}

/** `.a.b` as SQLite has it. Parts are of `\w` alone, so the quotes around them cannot be broken. */
function jsonPath(parts: string): string {
  return `$${parts
    .split(".")
    .slice(1)
    .map((part) => `."${part}"`)
    .join("")}`;
}

function unquoted(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    throw new BadCondition("a string of the expression is not JSON");
  }
}

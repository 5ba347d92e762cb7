/**
 * JSON as text. Payloads travel exactly as they were typed and numbers of 64 bits stay exact, so the command line never parses and
 * re-prints JSON; it checks it, cuts slices out of it and indents it.
 */

/** Where and why a text is not JSON. */
export class JsonMistake extends Error {
  constructor(
    readonly expected: string,
    /** Position in UTF-16 units, from 0. */
    readonly offset: number,
  ) {
    super(expected);
    this.name = "JsonMistake";
  }
}

/** Same bound as the server's. */
const depthMax = 128;
/** Depth for texts of the server: they wrap what was bounded when it came in. */
const unbounded = Number.NEGATIVE_INFINITY;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Text that is JSON and goes into a request as it is. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** Throws JsonMistake unless the text is one JSON value. */
export function checkJson(text: string): void {
  const end = skipSpace(text, skipValue(text, skipSpace(text, 0), 1));
  if (end < text.length) throw new JsonMistake("nothing may follow the value, found more", end);
}

/** An object's members as raw slices, the last of equal names; undefined when the text is not an object. */
export function members(text: string): Map<string, string> | undefined {
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return undefined;
  const found = new Map<string, string>();
  at = skipSpace(text, at + 1);
  while (text[at] !== "}") {
    const keyEnd = skipString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart, unbounded);
    found.set(JSON.parse(text.slice(at, keyEnd)) as string, text.slice(valueStart, valueEnd));
    at = skipSpace(text, valueEnd);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

/** An array's elements as raw slices; undefined when the text is not an array. */
export function elements(text: string): string[] | undefined {
  let at = skipSpace(text, 0);
  if (text[at] !== "[") return undefined;
  const found: string[] = [];
  at = skipSpace(text, at + 1);
  while (text[at] !== "]") {
    const end = skipValue(text, at, unbounded);
    found.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

/** One JSON object from these fields; undefined ones are left out, RawJson goes in as it is, at any depth. */
export function encodeObject(fields: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) parts.push(`${JSON.stringify(name)}:${encoded(value)}`);
  return `{${parts.join(",")}}`;
}

function encoded(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(encoded).join(",")}]`;
  if (typeof value === "object" && value !== null) return encodeObject(value as Record<string, unknown>);
  return JSON.stringify(value);
}

/** The server escapes `<`, `>` and `&` inside strings; people read them better as they were. The value is the same. */
export function plainAngles(text: string): string {
  return text.replace(/\\\\|\\u00(3[cCeE]|26)/g, (whole, digits: string | undefined) =>
    digits === undefined ? whole : String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

export interface JsonPaint {
  key(text: string): string;
  string(text: string): string;
  other(text: string): string;
}

/** Valid JSON, laid out with two spaces a level; scalars keep their spelling. */
export function indentJson(text: string, paint?: JsonPaint): string {
  let out = "";
  let level = 0;
  let at = 0;
  const newline = () => `\n${"  ".repeat(level)}`;
  while ((at = skipSpace(text, at)) < text.length) {
    const c = text[at];
    if (c === "{" || c === "[") {
      const next = skipSpace(text, at + 1);
      if (text[next] === "}" || text[next] === "]") {
        out += c + text[next];
        at = next + 1;
        continue;
      }
      level++;
      out += c + newline();
      at++;
    } else if (c === "}" || c === "]") {
      level--;
      out += newline() + c;
      at++;
    } else if (c === ",") {
      out += `,${newline()}`;
      at++;
    } else if (c === ":") {
      out += ": ";
      at++;
    } else {
      const end = c === '"' ? skipString(text, at) : skipScalar(text, at);
      const token = text.slice(at, end);
      const isKey = c === '"' && text[skipSpace(text, end)] === ":";
      out += paint ? (isKey ? paint.key(token) : c === '"' ? paint.string(token) : paint.other(token)) : token;
      at = end;
    }
  }
  return out;
}

function skipScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !" \t\r\n,:]}".includes(text[at])) at++;
  return Math.max(at, start + 1);
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
    at++;
  }
  return at;
}

function skipValue(text: string, start: number, depth: number): number {
  if (start >= text.length) throw new JsonMistake(text.trim() === "" ? "expected a value, found nothing" : "expected a value, found the end", start);
  if (depth > depthMax && (text[start] === "{" || text[start] === "[")) throw new JsonMistake(`expected at most ${depthMax} levels`, start);
  switch (text[start]) {
    case "{":
      return skipObject(text, start, depth);
    case "[":
      return skipArray(text, start, depth);
    case '"':
      return skipString(text, start);
  }
  for (const word of ["true", "false", "null"]) {
    if (text.startsWith(word, start) && !/[A-Za-z0-9_]/.test(text[start + word.length] ?? "")) return start + word.length;
  }
  return skipNumber(text, start);
}

function skipObject(text: string, start: number, depth: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === "}") return at + 1;
  for (;;) {
    if (at >= text.length) throw new JsonMistake('expected a quoted key or "}", found the end', at);
    if (text[at] !== '"') throw new JsonMistake("expected a quoted key", at);
    at = skipSpace(text, skipString(text, at));
    if (text[at] !== ":") throw new JsonMistake('expected ":" behind the key', at);
    at = skipSpace(text, skipValue(text, skipSpace(text, at + 1), depth + 1));
    if (text[at] === "}") return at + 1;
    if (text[at] !== ",") throw new JsonMistake('expected "," or "}"', at);
    at = skipSpace(text, at + 1);
    if (text[at] === "}") throw new JsonMistake('expected a quoted key behind ","', at);
  }
}

function skipArray(text: string, start: number, depth: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === "]") return at + 1;
  for (;;) {
    if (at >= text.length) throw new JsonMistake('expected a value or "]", found the end', at);
    at = skipSpace(text, skipValue(text, at, depth + 1));
    if (text[at] === "]") return at + 1;
    if (text[at] !== ",") throw new JsonMistake('expected "," or "]"', at);
    at = skipSpace(text, at + 1);
    if (text[at] === "]") throw new JsonMistake('expected a value behind ","', at);
  }
}

function skipString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    if (at >= text.length) throw new JsonMistake("expected a closing quote for this string", start);
    const c = text[at];
    if (c === '"') return at + 1;
    if (c === "\\") {
      const next = text[at + 1];
      if (next === "u") {
        if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) throw new JsonMistake("expected four hexadecimal digits behind \\u", at);
        at += 6;
      } else if (next !== undefined && '"\\/bfnrt'.includes(next)) {
        at += 2;
      } else {
        throw new JsonMistake("unknown escape; a backslash itself is written \\\\", at);
      }
    } else {
      if (c < " ")
        throw new JsonMistake(c === "\n" ? "a line break inside a string is written \\n" : "a control character inside a string is written \\u00xx", at);
      at++;
    }
  }
}

function skipNumber(text: string, start: number): number {
  numberPattern.lastIndex = start;
  const match = numberPattern.exec(text);
  if (!match) throw new JsonMistake(text[start] === "'" ? "strings take double quotes" : "expected a value", start);
  const end = start + match[0].length;
  if (/[0-9.eE+_A-Za-z-]/.test(text[end] ?? "")) throw new JsonMistake("this is not a number", start);
  return end;
}

/** What the text was probably meant to be: keys and single quotes made proper, trailing commas dropped. Undefined when that is not JSON either. */
export function guessJson(text: string): string | undefined {
  const guess = text
    .replace(/'([^'"\\]*)'/g, '"$1"')
    .replace(/([{,]\s*)([A-Za-z_$][\w$-]*)\s*:/g, '$1"$2":')
    .replace(/:\s*(True|False|None)\b/g, (_, word: string) => `: ${word === "None" ? "null" : word.toLowerCase()}`)
    .replace(/,(\s*[}\]])/g, "$1")
    .replace(/:(\s*)([A-Za-z_][\w.@-]*)(\s*[,}])/g, (whole: string, space: string, word: string, tail: string) =>
      /^(true|false|null)$/.test(word) ? whole : `:${space}"${word}"${tail}`,
    );
  try {
    checkJson(guess);
    return guess;
  } catch (error) {
    if (error instanceof JsonMistake) return undefined;
    throw error;
  }
}

import { exitCodes, Failure, usageFailure } from "./failure.js";
import type { Io } from "./io.js";
import { checkJson, guessJson, JsonMistake, RawJson } from "./json.js";

/** Widest excerpt of a line that a mistake shows, in characters. */
const excerptMax = 72;

/**
 * A value that was given as text, as `@file` or as `-` for standard input, checked to be JSON.
 * `name` says what it is in the sentence of a failure, for example `payload`.
 */
export async function readJson(io: Io, name: string, given: string, example?: string): Promise<RawJson> {
  const text = await readText(io, name, given);
  try {
    checkJson(text);
  } catch (error) {
    if (error instanceof JsonMistake) throw notJson(name, text, given, error, example);
    throw error;
  }
  return new RawJson(text.trim());
}

/** Like readJson, and the value must be an object. */
export async function readJsonObject(io: Io, name: string, given: string, example?: string): Promise<RawJson> {
  const value = await readJson(io, name, given, example);
  if (!value.text.startsWith("{")) throw usageFailure(`${name} must be a JSON object`, `for example ${example ?? '{"key": "value"}'}`);
  return value;
}

async function readText(io: Io, name: string, given: string): Promise<string> {
  if (given === "-") return await io.readStdin();
  if (!given.startsWith("@")) return given;
  const path = given.slice(1);
  try {
    return await io.readFile(path);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw usageFailure(`cannot read the ${name} from ${path}: ${why}`);
  }
}

function notJson(name: string, text: string, given: string, mistake: JsonMistake, example: string | undefined): Failure {
  const before = text.slice(0, mistake.offset);
  const line = before.split("\n").length;
  const lineStart = before.lastIndexOf("\n") + 1;
  const column = [...text.slice(lineStart, mistake.offset)].length + 1;
  const lineEnd = text.indexOf("\n", mistake.offset) < 0 ? text.length : text.indexOf("\n", mistake.offset);
  const where = text.includes("\n") ? `line ${line}, column ${column}` : `column ${column}`;
  const source = given === "-" ? " (standard input)" : given.startsWith("@") ? ` (${given.slice(1)})` : "";
  const short = text.length <= excerptMax && !text.includes("\n");
  const hints = [short ? (guessJson(text) ?? example) : undefined, example && !given.startsWith("@") ? "or read a file: @file.json" : undefined].filter(
    Boolean,
  );
  return new Failure(exitCodes.usage, `${name} is not JSON${source}: ${mistake.expected} at ${where}`, {
    detail: excerpt([...text.slice(lineStart, lineEnd)], column),
    hint: hints.length > 0 ? hints.join("   ·   ") : undefined,
  });
}

/** The line and a caret below the column; long lines are cut around it. */
function excerpt(line: readonly string[], column: number): string[] {
  const from = Math.max(0, Math.min(column - 1 - excerptMax / 2, line.length - excerptMax));
  const shown = line.slice(from, from + excerptMax).map((c) => (c < " " ? " " : c));
  const lead = from > 0 ? "…" : "";
  const tail = from + excerptMax < line.length ? "…" : "";
  return [`  ${lead}${shown.join("")}${tail}`, `  ${" ".repeat(lead.length + column - 1 - from)}^`];
}

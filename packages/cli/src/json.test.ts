import fc from "fast-check";
import { expect, test } from "vitest";
import { checkJson, elements, encodeObject, guessJson, indentJson, JsonMistake, members, plainAngles, RawJson } from "./json.js";

function mistake(text: string): string {
  try {
    checkJson(text);
    return "none";
  } catch (error) {
    if (error instanceof JsonMistake) return `${error.offset}: ${error.expected}`;
    throw error;
  }
}

test("names what was expected and where", () => {
  expect(mistake('{to: "x"}')).toBe("1: expected a quoted key");
  expect(mistake('{"to" "x"}')).toBe('6: expected ":" behind the key');
  expect(mistake('{"a": 1 "b": 2}')).toBe('8: expected "," or "}"');
  expect(mistake('{"a": 1,}')).toBe('8: expected a quoted key behind ","');
  expect(mistake("[1 2]")).toBe('3: expected "," or "]"');
  expect(mistake("[1,]")).toBe('3: expected a value behind ","');
  expect(mistake("{'a': 1}")).toBe("1: expected a quoted key");
  expect(mistake("['a']")).toBe("1: strings take double quotes");
  expect(mistake('"abc')).toBe("0: expected a closing quote for this string");
  expect(mistake('"a\nb"')).toBe("2: a line break inside a string is written \\n");
  expect(mistake('"a\\x"')).toBe("2: unknown escape; a backslash itself is written \\\\");
  expect(mistake('"\\u12"')).toBe("1: expected four hexadecimal digits behind \\u");
  expect(mistake("01")).toBe("0: this is not a number");
  expect(mistake("1.")).toBe("0: this is not a number");
  expect(mistake("NaN")).toBe("0: expected a value");
  expect(mistake("truely")).toBe("0: expected a value");
  expect(mistake("")).toBe("0: expected a value, found nothing");
  expect(mistake('{"a":')).toBe("5: expected a value, found the end");
  expect(mistake('{"a": 1')).toBe('7: expected "," or "}"');
  expect(mistake("{")).toBe('1: expected a quoted key or "}", found the end');
  expect(mistake("1 2")).toBe("2: nothing may follow the value, found more");
  expect(mistake("[".repeat(128) + "]".repeat(128))).toBe("none");
  expect(mistake("[".repeat(129) + "]".repeat(129))).toBe("128: expected at most 128 levels");
});

test("agrees with JSON.parse about any text", () => {
  const almostJson = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", '"', "\\", "1", "e", "-", " ", "\n", "."))
      .map(([text, at, c]) => text.slice(0, at % (text.length + 1)) + c + text.slice((at % (text.length + 1)) + 1)),
  );
  fc.assert(
    fc.property(almostJson, (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      expect(mistake(text) === "none").toBe(valid);
    }),
    { numRuns: 2000 },
  );
});

test("cuts members and elements as they were written, and indents without touching scalars", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = JSON.stringify(value);
      const cut = members(text) ?? new Map();
      expect([...cut.keys()].sort()).toEqual(Object.keys(JSON.parse(text)).sort());
      for (const [key, slice] of cut) expect(JSON.parse(slice)).toEqual(JSON.parse(text)[key]);
      expect(JSON.parse(indentJson(text))).toEqual(JSON.parse(text));
      expect(indentJson(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
    }),
  );
  expect(elements("[1.0, [2], {}]")).toEqual(["1.0", "[2]", "{}"]);
  expect(elements("[]")).toEqual([]);
  expect(members("[]")).toBeUndefined();
  expect(elements("{}")).toBeUndefined();
  expect(indentJson('{"a":1.0,"b":18446744073709551615,"c":[ ],"d":{}}')).toBe('{\n  "a": 1.0,\n  "b": 18446744073709551615,\n  "c": [],\n  "d": {}\n}');
});

test("builds requests with slices as they are", () => {
  expect(encodeObject({ queue: "q", payload: new RawJson('{"n":1.0}'), priority: undefined, max: null })).toBe('{"queue":"q","payload":{"n":1.0},"max":null}');
});

test("guesses what was meant", () => {
  expect(guessJson('{to: "x"}')).toBe('{"to": "x"}');
  expect(guessJson("{'a': 1, 'b': True,}")).toBe('{"a": 1, "b": true}');
  expect(guessJson("{to:ada@example.com}")).toBe('{"to":"ada@example.com"}');
  expect(guessJson("]")).toBeUndefined();
});

test("shows escaped angle brackets as they were", () => {
  expect(plainAngles('"\\u003cb\\u003e \\u0026 \\\\u003c"')).toBe('"<b> & \\\\u003c"');
});

test("encodes objects with raw JSON at any depth", () => {
  expect(encodeObject({ a: new RawJson("1.0"), b: undefined, c: { d: new RawJson("2.50"), e: undefined }, f: [new RawJson("3.0"), "x"], g: null })).toBe(
    '{"a":1.0,"c":{"d":2.50},"f":[3.0,"x"],"g":null}',
  );
});

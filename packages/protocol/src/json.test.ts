import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkJson, jsonFaultText, scanJsonValue } from "./json.js";
import { type ByteRange, eachJsonMember, isBlank, isJsonObject, jsonMember } from "./json-members.js";
import { limits } from "./limits.js";

const bytesOf = (text: string) => new TextEncoder().encode(text);
/** The verdict on a text that stands somewhere inside of a longer buffer: as words, or "ok". */
function verdict(text: string | Uint8Array): string {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  const buffer = new Uint8Array(bytes.length + 8).fill(0x5d);
  buffer.set(bytes, 5);
  const fault = checkJson(buffer, 5, 5 + bytes.length);
  return fault === undefined ? "ok" : jsonFaultText(fault);
}
function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("checkJson", () => {
  test.each([
    ["null", "ok"],
    [" \t\r\n{ } ", "ok"],
    ['{"a":[1,-0,0.5,1e9,1E+9,-1.25e-3,true,false,null,{}],"":""}', "ok"],
    ['"\\ud800 \\u0000 \\"\\\\\\/\\b\\f\\n\\r\\t"', "ok"],
    ['"käse 😀"', "ok"],
    ["", "expected a value at byte 0"],
    ["  ", "expected a value at byte 2"],
    ["{", "expected a name or } at byte 1"],
    ["[", "expected a value at byte 1"],
    ["[1,]", "expected a value at byte 3"],
    ['{"a":1,}', "expected a name at byte 7"],
    ['{"a" 1}', "expected : at byte 5"],
    ["{a:1}", "expected a name or } at byte 1"],
    ['{"a":1]', "expected , or } at byte 6"],
    ["[1}", "expected , or ] at byte 2"],
    ["1 2", "expected nothing more at byte 2"],
    ["01", "expected nothing more at byte 1"],
    ["-", "expected a digit at byte 1"],
    ["1.", "expected a digit at byte 2"],
    ["1e+", "expected a digit at byte 3"],
    [".5", "expected a value at byte 0"],
    ["tru", "expected a value at byte 0"],
    ["truefalse", "expected nothing more at byte 4"],
    ["'a'", "expected a value at byte 0"],
    ['"a', 'expected the end of a string, " at byte 2'],
    ['"a\nb"', "expected an escape for a control character at byte 2"],
    ['"\\x"', 'expected one of "\\/bfnrtu at byte 2'],
    ['"\\u12g4"', "expected 4 hexadecimal digits at byte 5"],
    ['"\\u12', "expected 4 hexadecimal digits at byte 5"],
    ["\ufeff1", "expected a value at byte 0"],
    ["NaN", "expected a value at byte 0"],
  ])("%j: %s", (text, expected) => expect(verdict(text)).toBe(expected));

  test("a text that ends inside of the buffer does not borrow from behind", () => {
    const bytes = bytesOf("[[1],truex");
    for (let end = 0; end < bytes.length; end++) expect(checkJson(bytes, 1, end) === undefined).toBe(parses("[[1],truex".slice(1, end)));
  });

  test("depth: as deep as the limit, not deeper", () => {
    const nest = (n: number) => "[".repeat(n) + "]".repeat(n);
    expect(verdict(nest(limits.jsonDepthMax))).toBe("ok");
    expect(verdict(nest(limits.jsonDepthMax + 1))).toBe(`expected at most ${limits.jsonDepthMax} levels at byte ${limits.jsonDepthMax}`);
    expect(verdict(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`)).toContain("levels");
    expect(verdict(`[${"[],{},".repeat(1000)}1]`)).toBe("ok"); // many, none deep
    expect(verdict("[".repeat(10_000_000))).toContain("levels");
  });

  test("a value at the start of a longer text: where it ends", () => {
    const ends = (text: string) => scanJsonValue(bytesOf(text), 0, bytesOf(text).length);
    expect([ends("12,3"), ends('"a\\""]'), ends("[1,{}]x"), ends("{} {}"), ends("truex"), ends("x"), ends("[1")]).toEqual([2, 5, 6, 2, 4, -1, -1]);
  });

  test("bytes that are not UTF-8 are found, and where", () => {
    expect(verdict(Uint8Array.of(0x22, 0x61, 0xff, 0x22))).toBe("expected UTF-8 at byte 2");
    expect(verdict(Uint8Array.of(0x22, 0xc3, 0xa4, 0xed, 0xa0, 0x80, 0x22))).toBe("expected UTF-8 at byte 3"); // a surrogate
    expect(verdict(Uint8Array.of(0x22, 0xf0, 0x9f, 0x98, 0x22))).toBe("expected UTF-8 at byte 1");
    expect(verdict(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toBe("expected UTF-8 at byte 1"); // longer than it needs to be
  });

  test("says what JSON.parse says about any JSON, and about JSON with a character changed", () => {
    const near = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", "0", "-", ".", "e", " ", "\n", "\u0001", "ü", "t"));
    fc.assert(
      fc.property(near, ([json, at, put]) => {
        expect(verdict(json)).toBe("ok");
        const changed = json.slice(0, at % (json.length + 1)) + put + json.slice((at % (json.length + 1)) + 1);
        expect(verdict(changed) === "ok", JSON.stringify(changed)).toBe(parses(changed));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("members", () => {
  const member = (text: string, name: string) => {
    const bytes = bytesOf(`xx${text}`);
    const found: ByteRange = { start: 0, end: 0 };
    return jsonMember(bytes, 2, bytes.length, name, found) ? new TextDecoder().decode(bytes.subarray(found.start, found.end)) : undefined;
  };

  test("finds the raw value, the last one of a name, names with escapes", () => {
    expect(member('{"a":1,"b": {"a":[1,"}"]} ,"c":"x\\"y"}', "b")).toBe('{"a":[1,"}"]}');
    expect(member('{"a":1,"a":2 }', "a")).toBe("2");
    expect(member('{"\\u0061b":1.50}', "ab")).toBe("1.50");
    expect(member('{"ä":true}', "ä")).toBe("true");
    expect(member('{"a":1}', "b")).toBeUndefined();
    expect(member("[1]", "a")).toBeUndefined();
    expect(member(" { } ", "a")).toBeUndefined();
  });

  test("every object gives the members that JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, 2), (object, indent) => {
        const bytes = bytesOf(JSON.stringify(object, null, indent));
        const seen: [string, unknown][] = [];
        eachJsonMember(bytes, 0, bytes.length, (keyStart, keyEnd, start, end) => {
          const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
          seen.push([JSON.parse(`"${text(keyStart, keyEnd)}"`), JSON.parse(text(start, end))]);
        });
        expect(seen).toEqual(Object.entries(JSON.parse(JSON.stringify(object))));
      }),
      { numRuns: 500 },
    );
  });

  test("blank and object", () => {
    const asks = (text: string) => [isBlank(bytesOf(text), 0, bytesOf(text).length), isJsonObject(bytesOf(text), 0, bytesOf(text).length)];
    expect(asks("")).toEqual([true, false]);
    expect(asks(" \n\t\r")).toEqual([true, false]);
    expect(asks(" {}")).toEqual([false, true]);
    expect(asks("\u00a0")).toEqual([false, false]);
  });
});

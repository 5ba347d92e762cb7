import { expect, it } from "vitest";
import { jsonDepthMax, jsonExcess, jsonValuesMax } from "./json-guard.js";

const excess = (text: string) => jsonExcess(Buffer.from(text));
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

it("allows the limits and not one more", () => {
  expect(excess(nested(jsonDepthMax))).toBeUndefined();
  expect(excess(nested(jsonDepthMax + 1))).toBe("deep");
  expect(excess(`[${"1,".repeat(jsonValuesMax - 1)}1]`)).toBeUndefined();
  expect(excess(`[${"1,".repeat(jsonValuesMax)}1]`)).toBe("many");
});

it("does not count what is inside strings", () => {
  expect(excess(JSON.stringify({ payload: `${nested(1000)}"\\","\\\\` }))).toBeUndefined();
  expect(excess(`{"a":"\\\\\\"${"[".repeat(500)}"}`)).toBeUndefined();
  expect(excess(`{"a":"\\\\",${'"b":'}${nested(500)}}`)).toBe("deep");
});

it("leaves broken texts to the parser", () => {
  for (const text of ['"'.padEnd(300, "["), "]".repeat(300), `${"a".repeat(300)}"\\`]) expect(excess(text)).toBeUndefined();
});

import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { describe } from "./failure.js";

test("whatever is thrown has words", () => {
  const error = describe(new Error("outer", { cause: new TypeError("inner") }));
  expect(error.error).toBe("outer");
  expect(error.backtrace).toMatch(/^Error: outer\n[\s\S]*failure\.test\.ts[\s\S]*cause[\s\S]*TypeError: inner/);
  expect(describe(new TypeError("")).error).toMatch(/^TypeError/);
  expect(describe(runInNewContext("new RangeError('elsewhere')"))).toMatchObject({ error: "elsewhere" });
  expect(describe("just text")).toEqual({ error: "just text", backtrace: "" });
  expect(describe({ status: 503 })).toEqual({ error: "{ status: 503 }", backtrace: "" });
  expect(describe(undefined).error).toBe("undefined");
  expect(describe(Symbol("s")).error).toBe("Symbol(s)");
  expect(describe(Object.create(null)).error).toContain("null prototype");
  const hostile = {
    [Symbol.for("nodejs.util.inspect.custom")]() {
      throw new Error("no");
    },
    toString() {
      throw new Error("no");
    },
  };
  expect(describe(hostile).error).toBe("something of type object that cannot be shown");
});

test("long text is cut, half characters are replaced", () => {
  expect(describe("x".repeat(100_000)).error).toHaveLength(65_536);
  expect(describe(`${"x".repeat(65_535)}😀`).error.endsWith("x\ufffd")).toBe(true);
});

import { afterEach, expect, test } from "vitest";
import { failpoint, failpoints, setFailpointHook } from "./failpoint.js";

afterEach(() => setFailpointHook(undefined));

test("the hook is told each place that is reached; without one nothing happens", () => {
  failpoint("append-after");
  const reached: string[] = [];
  setFailpointHook((name) => reached.push(name));
  for (const name of failpoints) failpoint(name);
  expect(reached).toEqual([...failpoints]);
  expect(new Set(failpoints).size).toBe(failpoints.length);
});

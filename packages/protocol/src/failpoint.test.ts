import { afterEach, expect, test } from "vitest";
import { failpoint, failpoints, operatorFailpoints, setFailpointHook } from "./failpoint.js";

afterEach(() => setFailpointHook(undefined));

test("the hook is told each place that is reached; without one nothing happens", () => {
  failpoint("apply-after");
  const reached: string[] = [];
  setFailpointHook((name) => reached.push(name));
  const all = [...failpoints, ...operatorFailpoints];
  for (const name of all) failpoint(name);
  expect(reached).toEqual(all);
  expect(new Set(all).size).toBe(all.length);
});

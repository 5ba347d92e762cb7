import { expect, test } from "vitest";
import { randomProgram } from "./program.js";
import { shrink } from "./shrink.js";
import type { Step } from "./wish.js";

test("a long program that fails because of two wishes shrinks to these two", async () => {
  const verbOf = (wish: Step["wishes"][number]) => (wish.do === "jobVerb" ? wish.verb : wish.do);
  const fails = async (program: readonly Step[]) => {
    const verbs = program.flatMap((step) => step.wishes.map(verbOf));
    return verbs.includes("fetch") && verbs.includes("enqueue", verbs.indexOf("fetch"));
  };
  const program = randomProgram(7, 200);
  expect(await fails(program)).toBe(true);
  const small = await shrink(program, fails);
  expect(small.flatMap((step) => step.wishes.map(verbOf))).toEqual(["fetch", "enqueue"]);
});

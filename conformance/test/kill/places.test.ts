import { readFileSync } from "node:fs";
import { failpoints, operatorFailpoints } from "@corvo/protocol";
import { storageFailpoints } from "@corvo/storage";
import { expect, test } from "vitest";
import { elsewhere } from "./elsewhere.js";

/** Tests that kill at places of their own; `kill.test.ts` takes all others. */
const aimed = ["archive", "bulk", "restore", "view"].map((name) => readFileSync(new URL(`${name}.test.ts`, import.meta.url), "utf8")).join("\n");

test("README's word that a server is killed at every named failpoint: those that are not on the way of the load have a test of their own", () => {
  const named = (place: string): boolean => aimed.includes(`"${place}"`);
  expect([...operatorFailpoints, ...elsewhere].filter((place) => !named(place))).toEqual([]);
  expect([...elsewhere].filter((place) => ![...failpoints, ...storageFailpoints].some((known) => known === place))).toEqual([]);
});

// Runs beside every test file: files may share a process and its modules, so what a helper registers when it is loaded would be for the first one only.
import { afterAll } from "vitest";
import { cleanUps } from "./clean-up.js";

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

import type { Surroundings } from "../../packages/cli/src/testing/run-cli.js";
import type { Values, World } from "../rest/row.js";
import type { Shape } from "../rest/shape.js";

/** A row of the specification of the command line, with the lines that show it. */
export interface CliRow {
  /** As in the specification: `budget set <scope> <target>`. */
  command: string;
  cases: readonly CliCase[];
}

export interface CliCase {
  /** Words after `corvo`; ` | corvo ` hands the output on. `{names}` are filled by `given`. */
  line: string;
  given?(world: World): Promise<Values>;
  around?: Surroundings;
  /** Exit code; default 0. */
  code?: number;
  /** Standard output: exact, or like this. */
  out?: string | RegExp;
  err?: RegExp;
  /** Standard output as JSON. */
  json?: Shape;
  ours?: string;
}

import type { Rest } from "../../server/test/rest.js";
import type { Shape } from "./shape.js";

/** A line of the tables in the specification of REST (§6), with the cases that show it. */
export interface Row {
  method: string;
  /** As in the specification, below /api/v1 unless it starts with a slash of its own: `/jobs/{id}`. */
  path: string;
  /** A later piece of work: it may be missing, and the reason is shown. */
  later?: string;
  cases: readonly Case[];
}

export type Values = Record<string, string | number>;

export interface Case {
  /** What it shows, in a few words. */
  what: string;
  /** Brings about what the case needs; what it returns fills `{names}` in path, body, text and shape. */
  given?(world: World): Promise<Values>;
  /** Path where it differs from the row's, with a query perhaps. */
  at?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** The server that it asks; default: one that is open to everybody. */
  on?: keyof World["servers"];
  /** Only the head and the first bytes are read: the answer does not end by itself. */
  stream?: boolean;
  status: number;
  /** Of a refusal. */
  code?: string;
  /** The exact text of a refusal; a RegExp where it holds something that nobody can know. */
  error?: string | RegExp;
  /** Shape of the body; "" is an empty one, another string is how a text begins. */
  answers?: Shape | string;
  headersHave?: Record<string, string | RegExp>;
  /** Where ours differs from Corvo's on purpose (a defect that is mended), what and why. */
  ours?: string;
}

export interface World {
  servers: { open: Rest; guarded: Rest };
  rest: Rest;
  /** A queue's name that no other case uses. */
  queue(): string;
}

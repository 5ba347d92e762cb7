import { usageFailure } from "./failure.js";
import { closest } from "./similar.js";
import { parseDurationMs } from "./time.js";
import { jobStates, knownWord, priorities } from "./words.js";

/** One condition of `--where`: a name, how it is compared, and with what. */
interface Term {
  name: string;
  sign: string;
  value: string;
}

/** Names in `--where`; `tag.` and `payload.` go on with a key or a path. */
const names = ["queue", "state", "priority", "id", "key", "batch", "chain", "parent", "worker", "group", "attempt", "age", "error", "payload"] as const;
const plain: Readonly<Record<string, string>> = {
  id: "job_id_prefix",
  key: "unique_key",
  batch: "batch_id",
  chain: "chain_id",
  parent: "parent_id",
  worker: "worker_id",
  group: "error_group",
};
const example = `state:dead tag.tenant:acme attempt>=3 age>1h error~"timed out"`;

/** `--where 'state:dead tag.tenant:acme age>1d'` as the server's filter. Every condition must hold; one that is not understood is refused. */
export function whereFilter(given: string, nowMs: number): Record<string, unknown> {
  const filter: Record<string, unknown> = {};
  const set = (name: string, value: unknown, term: Term): void => {
    if (filter[name] !== undefined) throw usageFailure(`--where has two conditions for ${term.name}`, "states stand together: state:dead,held");
    filter[name] = value;
  };
  for (const term of termsOf(given)) addTerm(term, nowMs, filter, (name, value) => set(name, value, term));
  return filter;
}

function addTerm(term: Term, nowMs: number, filter: Record<string, unknown>, set: (name: string, value: unknown) => void): void {
  const { name, sign, value } = term;
  if (name.startsWith("tag.")) {
    needSign(term, ":");
    const tags = (filter.tags ?? {}) as Record<string, string>;
    const key = name.slice("tag.".length);
    if (tags[key] !== undefined) throw usageFailure(`--where has two conditions for ${name}`);
    filter.tags = { ...tags, [key]: value };
  } else if (name.startsWith("payload.")) set("payload_jq", `.${name.slice("payload.".length)} ${sign === ":" ? "==" : sign} ${literal(value)}`);
  else if (name === "payload" || name === "error") {
    needSign(term, "~");
    set(`${name}_contains`, value);
  } else if (name === "attempt") attempts(term, set);
  else if (name === "age") age(term, nowMs, set);
  else if (name === "state") {
    needSign(term, ":");
    set(
      "state",
      value.split(",").map((state) => knownWord("state", state, jobStates)),
    );
  } else if (name === "priority") {
    needSign(term, ":");
    set("priority", knownWord("priority", value, priorities));
  } else if (name === "queue") {
    needSign(term, ":");
    if (value.slice(0, -1).includes("*")) throw usageFailure(`--where: in "${value}" only the end may be *`, "for example queue:emails.*");
    set(value.endsWith("*") ? "queue_prefix" : "queue", value.replace(/\*$/, ""));
  } else if (plain[name] !== undefined) {
    needSign(term, ":");
    set(plain[name], value);
  } else {
    const meant = closest(name, names);
    throw usageFailure(
      `--where: "${name}" is not known`,
      `${meant ? `did you mean ${meant}?   ·   ` : ""}known are ${names.join(", ")}, tag.KEY, payload.PATH`,
    );
  }
}

function needSign({ name, sign, value }: Term, wanted: string): void {
  if (sign !== wanted) throw usageFailure(`--where: ${name} is compared with "${wanted}", not "${sign}"`, `${name}${wanted}${value}`);
}

function attempts({ name, sign, value }: Term, set: (name: string, value: unknown) => void): void {
  const n = Number(value);
  if (!/^\d{1,7}$/.test(value)) throw usageFailure(`--where: ${name}${sign}${value} needs a number`);
  if (sign !== "<" && sign !== "<=") set("attempt_min", sign === ">" ? n + 1 : n);
  if (sign === "<" && n === 0) throw usageFailure("--where: attempt<0 fits no job");
  if (sign !== ">" && sign !== ">=") set("attempt_max", sign === "<" ? n - 1 : n);
}

/** `age>1d`: added more than a day ago. Days are spelled here, where no server reads them. */
function age({ sign, value }: Term, nowMs: number, set: (name: string, value: unknown) => void): void {
  const days = /^(\d+)d$/.exec(value);
  const ms = days ? Number(days[1]) * 86_400_000 : parseDurationMs(value);
  if (ms === undefined) throw usageFailure(`--where: age${sign}${value} needs a duration`, "for example age>10m, age<2h, age>7d");
  if (sign === ":") throw usageFailure("--where: age is compared with < or >", `age>${value}`);
  set(sign.startsWith(">") ? "created_before" : "created_after", new Date(nowMs - ms).toISOString());
}

/** What a payload is compared with: JSON as it stands, else a text. */
function literal(value: string): string {
  return /^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/.test(value) ? value : JSON.stringify(value);
}

function termsOf(given: string): Term[] {
  const pattern = /\s*([A-Za-z_][^\s:~<>="]*)(>=|<=|[:~<>])(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)/y;
  const terms: Term[] = [];
  while (pattern.lastIndex < given.trimEnd().length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(given);
    if (!match) throw usageFailure(`--where: "${given.slice(at).trim()}" is not a condition`, `for example ${example}`);
    terms.push({ name: match[1], sign: match[2], value: match[3]?.replace(/\\(.)/g, "$1") ?? match[4] });
  }
  if (terms.length === 0) throw usageFailure("--where has no condition", `for example ${example}`);
  return terms;
}

import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Names, namesOf, RpcError, restExtensions } from "@corvo/transport";

/**
 * Rewriting of messages on the wire by what their fields name (`FieldRules.names`): queues get and lose a namespace, ids of others become
 * ids of nothing, rows of others go. Works on bytes, because most of a message is payload that nobody needs to read.
 */
export interface NameVisitor {
  /** Each returns the text to put, or `foreign`: then the nearest row of a list goes, or the whole message is foreign. */
  queue(text: string): string | typeof foreign;
  job(text: string): string | typeof foreign;
  entity(text: string): string | typeof foreign;
  namespace(text: string): string | typeof foreign;
  chain(text: string): string;
  parent(text: string): string;
  /** Also asked when the message has none. */
  host(text: string): string;
  /** Rows that could name an owner and name none are foreign. */
  readonly strict: boolean;
  /** Names so far that were the caller's. */
  readonly own: number;
}

export const foreign = Symbol("foreign");

/** What is named inside a message, by field number. Undefined: nothing, at any depth. */
export interface NamePlan {
  readonly message: DescMessage;
  readonly fields: Map<number, FieldPlan>;
  /** Its own fields name an owner. */
  owned: boolean;
  /** Number of its field for a host; 0: it has none. */
  host: number;
}

interface FieldPlan {
  names: number;
  /** Its message, when something is named in it. */
  inner: NamePlan | undefined;
  /** A row: it can go without the rest. */
  row: boolean;
  /** A map; its keys may name something. */
  map: boolean;
}

const owners = new Set<number>([Names.queue, Names.entity, Names.namespace]);

const plans = new Map<DescMessage, NamePlan | undefined>();

export function namePlan(message: DescMessage): NamePlan | undefined {
  if (!plans.has(message)) {
    const plan: NamePlan = { message, fields: new Map(), owned: false, host: 0 };
    plans.set(message, plan); // for messages that hold themselves
    for (const field of message.fields) {
      const one = fieldPlan(field);
      if (one === undefined) continue;
      plan.fields.set(field.number, one);
      if (one.names === Names.host) plan.host = field.number;
      plan.owned ||= one.inner === undefined && owners.has(one.names);
    }
    if (plan.fields.size === 0) plans.set(message, undefined);
  }
  return plans.get(message);
}

function fieldPlan(field: DescField): FieldPlan | undefined {
  const names = namesOf(field, restExtensions);
  const inner = field.message === undefined ? undefined : namePlan(field.message);
  if (names === Names.nothing && inner === undefined) return undefined;
  return { names, inner, row: field.fieldKind === "list" || field.fieldKind === "map", map: field.fieldKind === "map" };
}

/** The message with its names rewritten; the same bytes when nothing changed; `foreign` when it belongs to somebody else. */
export function rewriteNames(plan: NamePlan, bytes: Uint8Array, visitor: NameVisitor): Uint8Array | typeof foreign {
  const out = rewrite(plan, bytes, visitor);
  return out === undefined ? bytes : out;
}

/** Undefined: unchanged. */
function rewrite(plan: NamePlan, bytes: Uint8Array, visitor: NameVisitor): Uint8Array | undefined | typeof foreign {
  const parts: Uint8Array[] = [];
  let copied = 0;
  let pos = 0;
  const end = bytes.length;
  let hosted = plan.host === 0;
  while (pos < end) {
    const fieldStart = pos;
    const [tag, afterTag] = varint(bytes, pos);
    // What is read differently by different readers must not get past: a name in it would keep its meaning unseen.
    if (tag > 0xffffffff || afterTag - pos > 5) throw malformed();
    pos = afterTag;
    const wire = tag % 8;
    if (wire === 0) pos = varint(bytes, pos)[1];
    else if (wire === 1) pos += 8;
    else if (wire === 5) pos += 4;
    else if (wire !== 2) throw malformed();
    else {
      const [length, start] = varint(bytes, pos);
      if (start - pos > 5 || start + length > end) throw malformed();
      pos = start + length;
      const field = plan.fields.get(Math.floor(tag / 8));
      if (field === undefined) continue;
      hosted ||= field.names === Names.host;
      const content = bytes.subarray(start, pos);
      const changed = field.map ? mapEntry(field, content, visitor) : value(field, content, visitor);
      if (changed === undefined) continue;
      parts.push(bytes.subarray(copied, fieldStart));
      copied = pos;
      if (changed === foreign) {
        if (field.row) continue;
        return foreign;
      }
      parts.push(head(tag, changed.length), changed);
    }
  }
  if (pos > end) throw malformed();
  const host = hosted ? "" : visitor.host("");
  if (copied === 0 && host === "") return undefined;
  parts.push(bytes.subarray(copied));
  if (host !== "") parts.push(head(plan.host * 8 + 2, host.length), Buffer.from(host));
  return Buffer.concat(parts);
}

function value(field: FieldPlan, content: Uint8Array, visitor: NameVisitor): Uint8Array | undefined | typeof foreign {
  if (field.inner !== undefined) {
    const before = visitor.own;
    const changed = rewrite(field.inner, content, visitor);
    return field.row && field.inner.owned && visitor.strict && visitor.own === before ? foreign : changed;
  }
  return text(field.names, content, visitor);
}

/** key = 1, value = 2. */
function mapEntry(field: FieldPlan, content: Uint8Array, visitor: NameVisitor): Uint8Array | undefined | typeof foreign {
  const entry: NamePlan = {
    message: undefined as never,
    owned: false,
    host: 0,
    fields: new Map([
      ...(field.names === Names.nothing ? [] : [[1, { names: field.names, inner: undefined, row: false, map: false }] as const]),
      ...(field.inner === undefined ? [] : [[2, { names: Names.nothing, inner: field.inner, row: false, map: false }] as const]),
    ]),
  };
  return rewrite(entry, content, visitor);
}

function text(names: number, content: Uint8Array, visitor: NameVisitor): Uint8Array | undefined | typeof foreign {
  if (content.length === 0 && names !== Names.host) return undefined;
  const before = Buffer.from(content.buffer, content.byteOffset, content.length).toString("utf8");
  const after = named(names, before, visitor);
  if (after === foreign) return foreign;
  return after === before ? undefined : Buffer.from(after);
}

function named(names: number, before: string, visitor: NameVisitor): string | typeof foreign {
  switch (names) {
    case Names.queue:
      return visitor.queue(before);
    case Names.job:
      return visitor.job(before);
    case Names.entity:
      return visitor.entity(before);
    case Names.namespace:
      return visitor.namespace(before);
    case Names.chain:
      return visitor.chain(before);
    case Names.parent:
      return visitor.parent(before);
    case Names.host:
      return visitor.host(before);
    case Names.json:
      return json(before, visitor);
    default:
      return before;
  }
}

const queueMember = /^(.*_)?queues?$/i;
/** What users put there is theirs. */
const opaqueMembers = new Set(["payload", "result", "checkpoint", "tags", "callback_payload"]);

/** Every member called `queue` at any depth; an array of strings is a list of queues. Text that is no JSON stays: the door refuses it. */
function json(before: string, visitor: NameVisitor): string | typeof foreign {
  let tree: unknown;
  try {
    tree = JSON.parse(before);
  } catch {
    return before;
  }
  let changed = false;
  const queue = (name: string): string | typeof foreign => {
    changed = true; // also when it is the same: of two members of one name only this one is written again
    return name === "" ? name : visitor.queue(name);
  };
  const walk = (node: unknown, named: boolean): unknown | typeof foreign => {
    if (Array.isArray(node)) {
      const strings = node.length > 0 && node.every((one) => typeof one === "string");
      const kept = node.map((one) => (strings && named ? queue(one as string) : walk(one, false))).filter((one) => one !== foreign);
      return kept.length === 0 && node.length > 0 ? foreign : kept;
    }
    if (typeof node !== "object" || node === null) return node;
    const out: Record<string, unknown> = {};
    for (const [key, one] of Object.entries(node)) {
      const isQueue = queueMember.test(key);
      const after = opaqueMembers.has(key.toLowerCase()) ? one : isQueue && typeof one === "string" ? queue(one) : walk(one, isQueue);
      if (after === foreign) return foreign;
      Object.defineProperty(out, key, { value: after, enumerable: true, configurable: true, writable: true });
    }
    return out;
  };
  const after = walk(tree, true);
  if (after === foreign) return foreign;
  return changed ? JSON.stringify(after) : before;
}

/** Up to 53 bits; a length or tag beyond that is nonsense, which the door refuses. */
function varint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  let factor = 1;
  for (let pos = at; pos < bytes.length && pos < at + 10; pos++) {
    const b = bytes[pos];
    value += (b & 127) * factor;
    if (b < 128) return [value, pos + 1];
    factor *= 128;
  }
  return [Number.MAX_SAFE_INTEGER, bytes.length + 1];
}

function malformed(): RpcError {
  return new RpcError("invalid_argument", "INVALID_MESSAGE", "malformed protobuf");
}

function head(tag: number, length: number): Uint8Array {
  const bytes: number[] = [];
  for (const value of [tag, length]) {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

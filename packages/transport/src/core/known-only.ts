import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { optionOf } from "../options.js";
import { extensions } from "../rest/plan.js";
import type { RestFieldRules } from "../rest/rules.js";
import { RpcError } from "../rpc.js";

/** The fields of a message, by both spellings of their names, behind which members that nobody knows are refused (`known_only`). */
type StrictFields = ReadonlyMap<string, StrictField>;

interface StrictField {
  /** Its proto name: what a refusal says. */
  name: string;
  list: boolean;
  /** All members that its message knows. Undefined: it takes others too. */
  known: ReadonlySet<string> | undefined;
  inner: StrictFields | undefined;
}

/** Undefined: members that nobody knows are passed over everywhere in it. */
export function strictFields(message: DescMessage, above: readonly DescMessage[] = []): StrictFields | undefined {
  if (above.includes(message)) return undefined; // said at its first place
  const strict = new Map<string, StrictField>();
  for (const field of message.fields) {
    if (field.message === undefined || field.fieldKind === "map") continue;
    const known = optionOf<RestFieldRules>(field, extensions.field)?.knownOnly ? new Set(field.message.fields.flatMap(spellings)) : undefined;
    const inner = strictFields(field.message, [...above, message]);
    if (known === undefined && inner === undefined) continue;
    for (const name of spellings(field)) strict.set(name, { name: field.name, list: field.fieldKind === "list", known, inner });
  }
  return strict.size === 0 ? undefined : strict;
}

/** Throws when a member is there that nobody knows, where that is refused: without it a filter would match more than was meant. */
export function refuseUnknown(fields: StrictFields, json: unknown, path = ""): void {
  if (typeof json !== "object" || json === null) return; // not a message: whoever reads it says so
  for (const [key, value] of Object.entries(json)) {
    const field = fields.get(key);
    if (field === undefined) continue;
    const at = path + field.name;
    if (field.list && Array.isArray(value)) for (const [i, one] of value.entries()) within(field, one, `${at}[${i}].`);
    else within(field, value, `${at}.`);
  }
}

function within({ known, inner }: StrictField, json: unknown, path: string): void {
  if (typeof json !== "object" || json === null) return;
  const stranger = known && Object.keys(json).find((key) => !known.has(key));
  if (stranger !== undefined) {
    const field = path + stranger.slice(0, 100);
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", `invalid JSON: ${field} is not known`, { field, restCode: "VALIDATION_ERROR" });
  }
  if (inner !== undefined) refuseUnknown(inner, json, path);
}

function spellings(field: DescField): string[] {
  return [field.name, field.jsonName];
}

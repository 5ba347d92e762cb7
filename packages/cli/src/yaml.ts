import { elements, members } from "./json.js";

/** JSON as YAML in block style. Scalars keep their spelling, so numbers stay exact; strings are quoted as in JSON, which YAML reads the same. */
export function yamlOf(json: string): string {
  return `${block(json.trim(), 0)}\n`;
}

function block(json: string, level: number): string {
  const indent = "  ".repeat(level);
  if (json.startsWith("{")) {
    const fields = [...(members(json) ?? [])];
    if (fields.length === 0) return "{}";
    return fields.map(([name, value]) => `${indent}${keyOf(name)}:${nested(value, level + 1)}`).join("\n");
  }
  if (json.startsWith("[")) {
    const items = elements(json) ?? [];
    if (items.length === 0) return "[]";
    return items.map((item) => `${indent}- ${block(item, level + 1).trimStart()}`).join("\n");
  }
  return json;
}

function nested(json: string, level: number): string {
  const text = block(json, level);
  return /^[{[]/.test(json) && text !== "{}" && text !== "[]" ? `\n${text}` : ` ${text}`;
}

/** Plain where YAML cannot take it for anything else. */
function keyOf(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(name) ? name : JSON.stringify(name);
}

import { segment } from "../client.js";
import { type CommandGroup, type CommandSpec, requestIdFlag, text } from "../command.js";
import { exitCodes, Failure, ServerRefusal } from "../failure.js";
import { printList, printOne } from "../listing.js";
import type { Session } from "../session.js";
import { builtInRoles, knownWord } from "../words.js";

interface ApiKey {
  key_hash: string;
  name: string;
  namespace: string;
  role: string;
  queue_scope?: string;
  enabled: boolean;
  created_at: string;
  last_used_at?: string;
  expires_at?: string;
}

const keysPath = "/api/v1/auth/keys";

const listKeys: CommandSpec = {
  name: "list",
  group: "Access",
  summary: "list the keys; never the keys themselves",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo keys list", "corvo keys list -o json", "corvo keys list -o name"],
  async run(session) {
    printList<ApiKey>(session, await session.client.call("GET", keysPath), {
      name: (key) => key.key_hash,
      empty: "No keys: the server asks nobody who they are. Make the first: corvo keys create admin --role admin",
      columns: [
        { title: "NAME", value: (key) => key.name },
        { title: "ROLE", value: (key) => key.role },
        { title: "NAMESPACE", value: (key) => key.namespace },
        { title: "QUEUES", value: (key) => key.queue_scope || "*" },
        { title: "STATE", value: (key) => (key.enabled ? "enabled" : "disabled"), paint: (shown, key) => (key.enabled ? shown : session.colors.yellow(shown)) },
        { title: "USED", value: (key) => session.time(key.last_used_at) },
        { title: "EXPIRES", value: (key) => key.expires_at ?? "-" },
        { title: "CREATED", value: (key) => session.time(key.created_at), wide: true },
        { title: "KEY_HASH", value: (key) => key.key_hash },
      ],
    });
  },
};

const createKey: CommandSpec = {
  name: "create",
  args: "<name>",
  group: "Access",
  summary: "make a key; it is shown once",
  client: true,
  mutates: true,
  examples: [
    "corvo keys create mail-worker --role worker --queues 'emails.*'",
    "corvo keys create ci --expires-at 2030-01-01T00:00:00Z -o json",
    "corvo keys create ops --role operator",
  ],
  flags: [
    { flags: "--role <role>", description: "readonly (default), worker, operator, admin, or a custom role" },
    { flags: "--queues <patterns>", description: "queues that it may touch, with commas and *; default: all" },
    { flags: "--in-namespace <name>", description: "namespace that it belongs to; default: your own" },
    { flags: "--expires-at <time>", description: "when it ends, RFC 3339; default: never" },
    { flags: "--key <key>", description: "your own text as the key; one that is known is changed" },
    { flags: "--disabled", description: "made, but refused until it is enabled" },
    requestIdFlag,
  ],
  notes: ["The first enabled key closes an open server for good: it must have the role admin. Or start the server with CORVO_ADMIN_PASSWORD."],
  async run(session, [name], flags) {
    await checkRole(session, text(flags, "role"));
    const body = {
      name,
      role: text(flags, "role"),
      queue_scope: text(flags, "queues"),
      namespace: text(flags, "inNamespace"),
      expires_at: text(flags, "expiresAt"),
      key: text(flags, "key"),
      enabled: flags.disabled === true ? false : undefined,
    };
    const answer = await session.client.call("POST", keysPath, { body: JSON.stringify(body), requestId: text(flags, "requestId") });
    const { api_key: key } = JSON.parse(answer.text) as { api_key?: string };
    session.wrote(answer, key ?? name, key ?? `Key ${name} accepted`);
    if (session.output === "table" && session.io.stdoutIsTty && key !== undefined) session.hint("keep it: it cannot be shown again");
  },
};

/** A key of a role that does not exist may do nothing, until somebody makes that role: refused, where the caller may look. */
async function checkRole(session: Session, role: string | undefined): Promise<void> {
  if (role === undefined || (builtInRoles as readonly string[]).includes(role)) return;
  try {
    const custom = JSON.parse((await session.client.call("GET", "/api/v1/auth/roles")).text) as { name: string }[];
    knownWord("--role", role, [...builtInRoles, ...custom.map((one) => one.name)]);
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
  }
}

async function allKeys(session: Session): Promise<ApiKey[]> {
  return JSON.parse((await session.client.call("GET", keysPath)).text) as ApiKey[];
}

/** The hash of the key that is meant by its hash, its name or its own text; `known`: the list has it. */
async function meantKey(session: Session, given: string): Promise<{ hash: string; known: boolean; keys: readonly ApiKey[] }> {
  const keys = await allKeys(session);
  if (keys.some((key) => key.key_hash === given)) return { hash: given, known: true, keys };
  const named = keys.filter((key) => key.name === given);
  if (named.length > 1)
    throw new Failure(exitCodes.notFound, `${named.length} keys have the name "${given}"`, {
      detail: named.map((key) => `  ${key.key_hash}  ${key.role}  ${key.created_at}`),
      hint: "give the hash of one",
    });
  return { hash: named[0]?.key_hash ?? given, known: named.length === 1, keys };
}

/** Whether as many keys are there as before. A caller that may not look any more has revoked its own. */
async function stillThere(session: Session, before: readonly ApiKey[]): Promise<boolean> {
  try {
    return (await allKeys(session)).length === before.length;
  } catch (error) {
    if (error instanceof ServerRefusal) return false;
    throw error;
  }
}

function noSuchKey(given: string): Failure {
  return new Failure(exitCodes.notFound, `no key has the name, the hash or the text "${given}"`, { hint: "see all: corvo keys list" });
}

const revokeKey: CommandSpec = {
  name: "revoke",
  aliases: ["delete"],
  args: "<key>",
  group: "Access",
  summary: "revoke a key; open streams of it end at once",
  client: true,
  mutates: true,
  examples: ["corvo keys revoke mail-worker", `corvo keys revoke ${"0".repeat(64)} -q`, `corvo keys revoke ${"0".repeat(64)} -o json`],
  flags: [requestIdFlag],
  notes: ["The key is its name, when no other has it, its hash as corvo keys list shows it, or the key itself."],
  async run(session, [given], flags) {
    const { hash, known, keys } = await meantKey(session, given);
    if (!(await session.confirm("Revoke this key?"))) return session.note("nothing was revoked");
    const answer = await session.client.call("DELETE", keysPath, { body: JSON.stringify({ key_hash: hash }), requestId: text(flags, "requestId") });
    // The server calls it a success also when there was none; only the list can tell whether a key's own text was one.
    if (!known && !session.dryRun && (await stillThere(session, keys))) throw noSuchKey(given);
    session.wrote(answer, hash, "Key revoked");
  },
};

/** The server has no word for a role of a key that is not there. */
async function knownKey(session: Session, given: string): Promise<string> {
  const { hash, known } = await meantKey(session, given);
  if (!known) throw noSuchKey(given);
  return hash;
}

const keyRoles: CommandSpec = {
  name: "roles",
  args: "<key>",
  group: "Access",
  summary: "list the custom roles of a key, beside its own",
  client: true,
  examples: [`corvo keys roles ${"0".repeat(64)}`, `corvo keys roles ${"0".repeat(64)} -o json`, `corvo keys roles ${"0".repeat(64)} -q`],
  async run(session, [given]) {
    const hash = await knownKey(session, given);
    const answer = await session.client.call("GET", `${keysPath}/${segment(hash)}/roles`);
    const { roles } = JSON.parse(answer.text) as { roles: string[] };
    printOne(session, answer, roles.join("\n"), () => (roles.length === 0 ? session.line("No custom roles") : session.lines(roles)));
  },
};

const assignRole: CommandSpec = {
  name: "assign",
  args: "<key> <role>",
  group: "Access",
  summary: "give a key a custom role more",
  client: true,
  mutates: true,
  examples: [
    `corvo keys assign ${"0".repeat(64)} pauser`,
    `corvo keys assign ${"0".repeat(64)} pauser -q`,
    `corvo keys assign ${"0".repeat(64)} pauser -o json`,
  ],
  flags: [requestIdFlag],
  async run(session, [given, role], flags) {
    await checkRole(session, role);
    const hash = await knownKey(session, given);
    const answer = await session.client.call("POST", `${keysPath}/${segment(hash)}/roles`, {
      body: JSON.stringify({ role }),
      requestId: text(flags, "requestId"),
    });
    session.wrote(answer, role, `Role ${role} assigned`);
  },
};

const unassignRole: CommandSpec = {
  name: "unassign",
  args: "<key> <role>",
  group: "Access",
  summary: "take a custom role from a key",
  client: true,
  mutates: true,
  examples: [
    `corvo keys unassign ${"0".repeat(64)} pauser`,
    `corvo keys unassign ${"0".repeat(64)} pauser -q`,
    `corvo keys unassign ${"0".repeat(64)} pauser -o json`,
  ],
  async run(session, [given, role]) {
    const hash = await knownKey(session, given);
    const answer = await session.client.call("DELETE", `${keysPath}/${segment(hash)}/roles/${segment(role)}`);
    session.wrote(answer, role, `Role ${role} taken away`);
  },
};

export const keysGroup: CommandGroup = {
  name: "keys",
  aliases: ["key"],
  group: "Access",
  summary: "API keys",
  subcommands: [listKeys, createKey, revokeKey, keyRoles, assignRole, unassignRole],
};

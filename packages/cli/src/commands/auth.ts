import { segment } from "../client.js";
import { type AnyCommand, type CommandGroup, type CommandSpec, list, requestIdFlag, text } from "../command.js";
import { readContextFile, writeContextFile } from "../contexts.js";
import { exitCodes, Failure, ServerRefusal, usageFailure } from "../failure.js";
import { printList, printOne } from "../listing.js";
import type { Session } from "../session.js";
import { keysGroup } from "./keys.js";

interface Role {
  name: string;
  permissions: { resource: string; actions: string[] }[];
  created_at: string;
  updated_at?: string;
}

const listRoles: CommandSpec = {
  name: "list",
  group: "Access",
  summary: "list the custom roles",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo roles list", "corvo roles list -o json", "corvo roles list -o name"],
  notes: ["Built in are readonly, worker, operator and admin."],
  async run(session) {
    printList<Role>(session, await session.client.call("GET", "/api/v1/auth/roles"), {
      name: (role) => role.name,
      empty: "No custom roles; built in are readonly, worker, operator and admin",
      columns: [
        { title: "ROLE", value: (role) => role.name },
        { title: "CHANGED", value: (role) => session.time(role.updated_at ?? role.created_at) },
        { title: "ALLOWS", value: (role) => role.permissions.map((one) => `${one.resource}:${one.actions.join("+")}`).join(" ") },
      ],
    });
  },
};

const setRole: CommandSpec = {
  name: "set",
  args: "<name>",
  group: "Access",
  summary: "make a custom role, or give one other permissions",
  client: true,
  mutates: true,
  examples: [
    "corvo roles set pauser --allow queues:pause+resume",
    "corvo roles set triage --allow jobs:read+retry+cancel --allow queues:read",
    "corvo roles set looker --allow '*:read' -o json",
  ],
  flags: [
    { flags: "--allow <resource:actions>", description: "what it may do: a resource (or *), a colon, actions with + between", repeated: true },
    requestIdFlag,
  ],
  notes: [
    "What a method needs stands in gen/access/permissions.md and in corvo whoami. write includes every action but read; nobody can grant what they may not do.",
  ],
  async run(session, [name], flags) {
    const permissions = list(flags, "allow").map((one) => {
      const at = one.indexOf(":");
      if (at < 1 || at === one.length - 1) throw usageFailure(`--allow "${one}" is not resource:action`, "for example --allow queues:pause+resume");
      return { resource: one.slice(0, at), actions: one.slice(at + 1).split("+") };
    });
    if (permissions.length === 0) throw usageFailure("--allow is missing", "for example --allow queues:pause+resume");
    for (const one of await strangeGrants(session, permissions)) session.note(`note: no method of this server needs ${one}   ·   corvo whoami --capabilities`);
    const answer = await session.client.call("POST", "/api/v1/auth/roles", {
      body: JSON.stringify({ name, permissions }),
      requestId: text(flags, "requestId"),
    });
    session.wrote(answer, name, `Role ${name} set`);
  },
};

/** Grants that fit nothing that there is: slips, or words of a newer server. None where the server does not say what there is. */
async function strangeGrants(session: Session, permissions: Role["permissions"]): Promise<string[]> {
  const who = await session.client.call("GET", "/api/v1/auth/whoami").catch((error) => {
    if (error instanceof ServerRefusal) return undefined;
    throw error;
  });
  const known = ((who && (JSON.parse(who.text) as Partial<WhoAmI>).capabilities) ?? []).map(({ permission }) => permission.split(":"));
  const isResource = (given: string, there: string): boolean =>
    given === "*" || given === there || (given.endsWith("*") && there.startsWith(given.slice(0, -1)));
  const isAction = (given: string, there: string): boolean => given === "*" || given === there || (given === "write" && there !== "read");
  const fits = (resource: string, action: string): boolean => known.some(([r, a]) => isResource(resource, r) && isAction(action, a));
  const pairs = permissions.flatMap(({ resource, actions }) => actions.map((action) => [resource, action] as const));
  return known.length === 0 ? [] : pairs.filter(([resource, action]) => !fits(resource, action)).map((pair) => pair.join(":"));
}

const deleteRole: CommandSpec = {
  name: "delete",
  args: "<name>",
  group: "Access",
  summary: "delete a custom role and take it from all keys",
  client: true,
  mutates: true,
  examples: ["corvo roles delete pauser", "corvo roles delete pauser -q", "corvo roles delete pauser -o json"],
  async run(session, [name]) {
    const answer = await session.client.call("DELETE", `/api/v1/auth/roles/${segment(name)}`);
    session.wrote(answer, name, `Role ${name} deleted`);
  },
};

interface RateLimit {
  using_defaults?: boolean;
  read_rps?: number;
  read_burst?: number;
  write_rps?: number;
  write_burst?: number;
}

const listNamespaces: CommandSpec = {
  name: "list",
  group: "Access",
  summary: "list the namespaces",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo namespaces list", "corvo namespaces list -o json", "corvo namespaces list -o name"],
  async run(session) {
    printList<{ name: string; created_at: string; rate_limit?: RateLimit }>(session, await session.client.call("GET", "/api/v1/namespaces"), {
      name: (one) => one.name,
      empty: "",
      columns: [
        { title: "NAMESPACE", value: (one) => one.name },
        { title: "CREATED", value: (one) => (one.created_at.startsWith("1970") ? "-" : session.time(one.created_at)) },
        { title: "LIMITS", value: (one) => limitsText(one.rate_limit) },
      ],
    });
  },
};

function limitsText(limits: RateLimit | undefined): string {
  const shown = Object.entries(limits ?? {}).filter(([name]) => name !== "using_defaults");
  return shown.map(([name, value]) => `${name}=${value}`).join(" ") || "-";
}

function namespaceVerb(name: string, method: string, summary: string, past: string): CommandSpec {
  return {
    name,
    args: "<name>",
    group: "Access",
    summary,
    client: true,
    mutates: true,
    examples: [`corvo namespaces ${name} acme`, `corvo namespaces ${name} acme -q`, `corvo namespaces ${name} acme -o json`],
    flags: name === "create" ? [requestIdFlag] : [],
    async run(session, [namespace], flags) {
      const path = "/api/v1/namespaces";
      const answer =
        name === "create"
          ? await session.client.call(method, path, { body: JSON.stringify({ name: namespace }), requestId: text(flags, "requestId") })
          : await session.client.call(method, `${path}/${segment(namespace)}`);
      session.wrote(answer, namespace, `Namespace ${namespace} ${past}`);
    },
  };
}

const limitNamespace: CommandSpec = {
  name: "limit",
  args: "<name>",
  group: "Access",
  summary: "show or set the rate limits of a namespace's keys",
  client: true,
  mutates: true,
  examples: ["corvo namespaces limit acme", "corvo namespaces limit acme --write-rps 100 --write-burst 200", "corvo namespaces limit acme --clear"],
  flags: [
    { flags: "--read-rps <n>", description: "reads per second of each key" },
    { flags: "--read-burst <n>", description: "reads at once" },
    { flags: "--write-rps <n>", description: "writes per second of each key" },
    { flags: "--write-burst <n>", description: "writes at once" },
    { flags: "--clear", description: "the server's limits again" },
  ],
  notes: ["What is not given is the server's own limit."],
  async run(session, [name], flags) {
    const path = `/api/v1/namespaces/${segment(name)}/rate-limit`;
    const given = (["readRps", "readBurst", "writeRps", "writeBurst"] as const).flatMap((flag) => {
      const value = text(flags, flag);
      if (value === undefined) return [];
      if (!/^\d+(\.\d+)?$/.test(value)) throw usageFailure(`"${value}" is not a number`, "for example --read-rps 100");
      return [[flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), Number(value)] as const];
    });
    if (given.length === 0 && flags.clear !== true) {
      const answer = await session.client.call("GET", path);
      const limits = JSON.parse(answer.text) as RateLimit;
      return printOne(session, answer, name, () => session.line(limits.using_defaults ? "The server's limits" : limitsText(limits)));
    }
    const answer = await session.client.call("PUT", path, { body: JSON.stringify(Object.fromEntries(given)) });
    session.wrote(answer, name, `Limits of ${name} updated`);
  },
};

interface AuditRow {
  id: number;
  namespace: string;
  principal: string;
  role: string;
  method: string;
  path: string;
  status_code: number;
  created_at: string;
}

const auditLog: CommandSpec = {
  name: "audit",
  group: "Access",
  summary: "who changed what, newest first",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo audit", "corvo audit --principal ada --limit 20", "corvo audit --path /api/v1/queues -o json"],
  flags: [
    { flags: "--principal <name>", description: "only of this key" },
    { flags: "--method <method>", description: "only of this HTTP method; RPC is POST" },
    { flags: "--path <prefix>", description: "only paths that begin so" },
    { flags: "--of-namespace <name>", description: "only of this namespace" },
    { flags: "--since <time>", description: "not before, RFC 3339" },
    { flags: "--until <time>", description: "not after, RFC 3339" },
    { flags: "--limit <n>", description: "rows at most, up to 1000; default 100" },
    { flags: "--offset <n>", description: "rows to leave out first" },
  ],
  async run(session, _args, flags) {
    const query = new URLSearchParams();
    for (const [flag, name] of [
      ["principal", "principal"],
      ["method", "method"],
      ["path", "path_prefix"],
      ["ofNamespace", "namespace"],
      ["since", "since"],
      ["until", "until"],
      ["limit", "limit"],
      ["offset", "offset"],
    ]) {
      const value = text(flags, flag);
      if (value !== undefined) query.set(name, value);
    }
    const suffix = query.size === 0 ? "" : `?${query}`;
    printList<AuditRow>(session, await session.client.call("GET", `/api/v1/audit-logs${suffix}`), {
      member: "audit_logs",
      name: (row) => String(row.id),
      empty: "No changes",
      columns: [
        { title: "TIME", value: (row) => session.time(row.created_at) },
        { title: "PRINCIPAL", value: (row) => row.principal },
        { title: "ROLE", value: (row) => row.role, wide: true },
        { title: "NAMESPACE", value: (row) => row.namespace },
        { title: "STATUS", value: (row) => row.status_code, right: true },
        { title: "CALL", value: (row) => `${row.method} ${row.path}`, cut: true },
      ],
    });
  },
};

interface WhoAmI {
  principal: string;
  credential: string;
  role: string;
  roles: string[];
  namespace: string;
  queue_scope?: string;
  open: boolean;
  capabilities: { method: string; rest?: string; permission: string; allowed: boolean }[];
}

const whoami: CommandSpec = {
  name: "whoami",
  group: "Access",
  summary: "who you are to the server, and what you may do",
  client: true,
  examples: ["corvo whoami", "corvo whoami --capabilities", "corvo whoami -o json"],
  flags: [{ flags: "--capabilities", description: "every method and whether you may call it" }],
  async run(session, _args, flags) {
    const answer = await session.client.call("GET", "/api/v1/auth/whoami");
    const who = JSON.parse(answer.text) as WhoAmI;
    printOne(session, answer, who.principal, () => {
      session.line(
        `${who.principal} (${[who.role, ...who.roles].join(", ")}) in namespace ${who.namespace}${who.queue_scope ? `, queues ${who.queue_scope}` : ""}`,
      );
      if (who.open) session.line("The server is open: anyone who reaches it is admin. Make the first key: corvo keys create admin --role admin");
      if (flags.capabilities !== true) return;
      for (const one of who.capabilities) session.line(`${one.allowed ? "yes" : "no "}  ${one.permission}  ${one.rest ?? one.method}`);
    });
  },
};

const authStatus: CommandSpec = {
  name: "status",
  group: "Access",
  summary: "whether the server asks who is calling",
  client: true,
  examples: ["corvo auth status", "corvo auth status -o json", "corvo auth status -q"],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/auth/status");
    const { open, admin_password_set: password } = JSON.parse(answer.text) as { open: boolean; admin_password_set: boolean };
    printOne(session, answer, open ? "open" : "closed", () =>
      session.line(open ? "OPEN: anyone who reaches this server is admin" : `Closed: every call needs a key${password ? " or the admin password" : ""}`),
    );
  },
};

const login: CommandSpec = {
  name: "login",
  group: "Access",
  summary: "check a key and keep it in a context",
  client: true,
  examples: ["corvo login --api-key k1", "corvo login --api-key k1 --as prod", "corvo login --api-key k1 -q"],
  flags: [{ flags: "--as <context>", description: "name of the context; default: the one in use, else default" }],
  notes: ["Without --api-key and CORVO_API_KEY it asks. The key is kept in the file of contexts, which only you can read."],
  async run(session, _args, flags) {
    const key = session.flags.apiKey || session.io.env.CORVO_API_KEY || (await askKey(session));
    const answer = await session.client.call("GET", "/api/v1/auth/whoami", { headers: { "X-API-Key": key } });
    const who = JSON.parse(answer.text) as WhoAmI;
    const file = await readContextFile(session.io);
    const name = text(flags, "as") ?? session.context?.name ?? file.current ?? "default";
    const contexts = { ...file.contexts, [name]: { ...file.contexts[name], server: file.contexts[name]?.server ?? session.client.server, api_key: key } };
    await writeContextFile(session.io, { ...file, current: name, previous: file.current === name ? file.previous : file.current, contexts });
    session.wrote(answer, who.principal, `Signed in to ${session.client.server} as ${who.principal} (${who.role}); kept in context ${name}`);
  },
};

async function askKey(session: Session): Promise<string> {
  const key = session.canAsk ? (await session.io.ask("Key: ")).trim() : "";
  if (key === "") throw usageFailure("no key was given", "--api-key, CORVO_API_KEY, or type it on a terminal");
  return key;
}

const logout: CommandSpec = {
  name: "logout",
  group: "Access",
  summary: "forget the key of a context",
  client: false,
  examples: ["corvo logout", "corvo logout -q", "corvo logout --color never"],
  async run(session) {
    const file = await readContextFile(session.io);
    const name = session.flags.context ?? file.current;
    if (name === undefined) return session.did("No key was kept");
    const entry = file.contexts[name];
    if (entry === undefined) throw new Failure(exitCodes.notFound, `there is no context "${name}"`);
    const { api_key: _, api_key_command: __, ...rest } = entry;
    await writeContextFile(session.io, { ...file, contexts: { ...file.contexts, [name]: rest } });
    session.did(`Signed out of context ${name}`);
  },
};

const groupOf = (name: string, alias: string, summary: string, subcommands: readonly CommandSpec[]): CommandGroup => ({
  name,
  aliases: alias === "" ? [] : [alias],
  group: "Access",
  summary,
  subcommands,
});

/** Keys, roles, namespaces, audit. */
export const authCommands: readonly AnyCommand[] = [
  keysGroup,
  groupOf("roles", "role", "custom roles", [listRoles, setRole, deleteRole]),
  groupOf("namespaces", "namespace", "namespaces and their limits", [
    listNamespaces,
    namespaceVerb("create", "POST", "make a namespace", "created"),
    namespaceVerb("delete", "DELETE", "forget a namespace and its limits; its keys and jobs stay", "deleted"),
    limitNamespace,
  ]),
  groupOf("auth", "", "whether the server asks who is calling", [authStatus]),
  ...[whoami, login, logout, auditLog],
];

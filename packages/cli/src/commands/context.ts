import { serverUrl } from "../client.js";
import { type CommandGroup, type CommandSpec, type Flags, text } from "../command.js";
import { type ContextEntry, type ContextFile, readContextFile, unknownContext, writeContextFile } from "../contexts.js";
import { usageFailure } from "../failure.js";
import { printList } from "../listing.js";
import type { Session } from "../session.js";

const entryFlags = [
  { flags: "--servers <urls>", description: "address of the server; several with commas, tried in order" },
  { flags: "--key <key>", description: "key to sign in with; kept in the file, which only you can read" },
  { flags: "--key-command <line>", description: "a line of shell that prints the key, so that the file holds none" },
  { flags: "--in-namespace <name>", description: "namespace to work in" },
  { flags: "--production", description: "questions before dangerous commands name this context" },
  { flags: "--read-only", description: "refuse every command that would change something" },
];

const listContexts: CommandSpec = {
  name: "list",
  group: "This tool",
  summary: "list the contexts; the one in use has a star",
  client: false,
  list: true,
  examples: ["corvo context list", "corvo context list -o json", "corvo context list -o name"],
  async run(session) {
    const file = await readContextFile(session.io);
    const rows = Object.entries(file.contexts).map(([name, entry]) => ({
      name,
      current: name === file.current,
      server: entry.server ?? "http://localhost:8080",
      namespace: entry.namespace,
      key: entry.api_key_command ? "command" : entry.api_key ? "file" : undefined,
      production: entry.production === true,
      read_only: entry.read_only === true,
    }));
    const text = JSON.stringify(rows);
    printList<(typeof rows)[number]>(
      session,
      { status: 200, bytes: Buffer.from(text), text },
      {
        name: (row) => row.name,
        empty: "No contexts. Add one: corvo context add prod --servers https://corvo.example.com",
        columns: [
          { title: "CONTEXT", value: (row) => `${row.current ? "* " : "  "}${row.name}` },
          { title: "SERVER", value: (row) => [row.server].flat().join(",") },
          { title: "NAMESPACE", value: (row) => row.namespace ?? "-" },
          { title: "KEY", value: (row) => row.key ?? "-" },
          { title: "MARKS", value: (row) => [row.production && "production", row.read_only && "read-only"].filter(Boolean).join(",") || "-" },
        ],
      },
    );
  },
};

const useContext: CommandSpec = {
  name: "use",
  args: "<name>",
  group: "This tool",
  summary: "work with this context from now on; - is the one before",
  client: false,
  examples: ["corvo context use prod", "corvo context use -", "corvo context use staging -q"],
  async run(session, [given]) {
    const file = await readContextFile(session.io);
    const name = given === "-" ? file.previous : given;
    if (name === undefined) throw usageFailure("there was no other context before");
    if (!Object.hasOwn(file.contexts, name)) throw unknownContext(name, Object.keys(file.contexts));
    if (name !== file.current) await writeContextFile(session.io, { current: name, previous: file.current, contexts: file.contexts });
    tell(session, name, `Context ${name} is in use`);
  },
};

const addContext: CommandSpec = {
  name: "add",
  args: "<name>",
  group: "This tool",
  summary: "add a context, or change one",
  client: false,
  examples: [
    "corvo context add prod --servers https://corvo.example.com --key-command 'pass corvo' --production",
    "corvo context add local --servers http://localhost:8080",
    "corvo context add audit --servers http://10.0.0.1:8080,http://10.0.0.2:8080 --read-only",
  ],
  flags: entryFlags,
  notes: ["What is not given stays as it is. The first context that is added is in use at once."],
  async run(session, [name], flags) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw usageFailure(`"${name}" cannot be a context's name`, "letters, digits, dots, dashes");
    const file = await readContextFile(session.io);
    const entry: ContextEntry = { ...file.contexts[name], ...given(flags) };
    await writeContextFile(session.io, { current: file.current ?? name, previous: file.previous, contexts: { ...file.contexts, [name]: entry } });
    tell(session, name, `Context ${name} saved`);
  },
};

const removeContext: CommandSpec = {
  name: "remove",
  args: "<name>",
  group: "This tool",
  summary: "forget a context",
  client: false,
  examples: ["corvo context remove staging", "corvo context remove staging -q", "corvo context remove staging -o name"],
  async run(session, [name]) {
    const file = await readContextFile(session.io);
    if (!Object.hasOwn(file.contexts, name)) throw unknownContext(name, Object.keys(file.contexts));
    const { [name]: _, ...contexts } = file.contexts;
    const kept = (other: string | undefined) => (other === name ? undefined : other);
    const rest: ContextFile = { current: kept(file.current), previous: kept(file.previous), contexts };
    await writeContextFile(session.io, rest);
    tell(session, name, `Context ${name} removed`);
  },
};

/** Servers by name: address, key and namespace in one word. */
export const context: CommandGroup = {
  name: "context",
  group: "This tool",
  summary: "servers by name: address, key, namespace",
  subcommands: [listContexts, useContext, addContext, removeContext],
};

function given(flags: Flags): ContextEntry {
  const entry: ContextEntry = {};
  const servers = text(flags, "servers")?.split(",");
  for (const server of servers ?? []) serverUrl(server, "--servers");
  if (servers) entry.server = servers.length === 1 ? servers[0] : servers;
  const key = text(flags, "key");
  const command = text(flags, "keyCommand");
  if (key !== undefined && command !== undefined) throw usageFailure("--key and --key-command exclude each other");
  if (key !== undefined) Object.assign(entry, { api_key: key, api_key_command: undefined });
  if (command !== undefined) Object.assign(entry, { api_key: undefined, api_key_command: command });
  const namespace = text(flags, "inNamespace");
  if (namespace !== undefined) entry.namespace = namespace;
  if (flags.production === true) entry.production = true;
  if (flags.readOnly === true) entry.read_only = true;
  return entry;
}

function tell(session: Session, name: string, sentence: string): void {
  if (session.output === "name") session.line(name);
  else if (!session.object({ context: name })) session.did(sentence);
}

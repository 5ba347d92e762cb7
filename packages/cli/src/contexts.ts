import { exitCodes, Failure, usageFailure } from "./failure.js";
import type { Io } from "./io.js";
import { closest } from "./similar.js";

/** A server that has a name, with what is needed to talk to it. */
export interface Context {
  name: string;
  servers: readonly string[];
  apiKey: string | undefined;
  namespace: string | undefined;
  /** Questions name it. */
  production: boolean;
  /** Commands that change something are refused here already. */
  readOnly: boolean;
}

/** What a context says in the file. */
export interface ContextEntry {
  server?: string | string[];
  namespace?: string;
  api_key?: string;
  /** A line of shell that prints the key. */
  api_key_command?: string;
  production?: boolean;
  read_only?: boolean;
}

export interface ContextFile {
  /** Name of the context in use. */
  current?: string;
  /** The one before it: `corvo context -` goes back. */
  previous?: string;
  contexts: Record<string, ContextEntry>;
}

/** Where contexts are kept; undefined: this user has no home. */
export function contextFilePath(io: Io): string | undefined {
  const { CORVO_CONFIG_DIR, XDG_CONFIG_HOME, HOME } = io.env;
  const folder = CORVO_CONFIG_DIR || (XDG_CONFIG_HOME && `${XDG_CONFIG_HOME}/corvo`) || (HOME && `${HOME}/.config/corvo`);
  return folder ? `${folder}/config.yaml` : undefined;
}

export async function readContextFile(io: Io): Promise<ContextFile> {
  const path = contextFilePath(io);
  const text = path === undefined ? undefined : await readIfThere(io, path);
  if (path === undefined || text === undefined) return { contexts: {} };
  const { parseDocument } = await io.load.yaml();
  const document = parseDocument(text);
  const value = document.toJS() as { current?: unknown; previous?: unknown; contexts?: unknown } | null;
  if (document.errors.length > 0) throw usageFailure(`${path} cannot be read: ${document.errors[0].message.split("\n")[0]}`);
  if (value === null) return { contexts: {} };
  const contexts = value.contexts ?? {};
  if (typeof contexts !== "object" || Array.isArray(contexts)) throw usageFailure(`${path}: contexts must be a map of names`);
  if (/\bapi_key:/.test(text) && ((await io.fileMode(path)) & 0o077) !== 0)
    throw new Failure(exitCodes.notAllowed, `${path} holds keys and others can read it`, { hint: `chmod 600 ${path}` });
  return { current: nameOf(value.current), previous: nameOf(value.previous), contexts: contexts as Record<string, ContextEntry> };
}

const nameOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

async function readIfThere(io: Io, path: string): Promise<string | undefined> {
  try {
    return await io.readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Failure(exitCodes.failed, `${path} cannot be read: ${(error as Error).message}`);
  }
}

/** The context that the flag, the environment or the file chooses; a server that is named outright needs none. */
export async function chosenContext(io: Io, flag: string | undefined, serverFlag: string | undefined): Promise<Context | undefined> {
  const wanted = flag || io.env.CORVO_CONTEXT;
  if (!wanted && (serverFlag || io.env.CORVO_SERVER)) return undefined;
  const file = await readContextFile(io);
  const name = wanted || file.current;
  if (!name) return undefined;
  const entry = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (!entry) throw unknownContext(name, Object.keys(file.contexts));
  const servers = [entry.server ?? "http://localhost:8080"].flat();
  const apiKey = entry.api_key_command ? await keyFrom(io, name, entry.api_key_command) : entry.api_key;
  return { name, servers, apiKey, namespace: entry.namespace, production: entry.production === true, readOnly: entry.read_only === true };
}

export function unknownContext(name: string, names: readonly string[]): Failure {
  const meant = closest(name, names);
  return new Failure(exitCodes.notFound, `there is no context "${name}"`, { hint: `${meant ? `did you mean "${meant}"?   ·   ` : ""}corvo context list` });
}

async function keyFrom(io: Io, name: string, line: string): Promise<string> {
  try {
    return (await io.runShell(line)).trim();
  } catch (error) {
    throw new Failure(exitCodes.notAllowed, `the key of context ${name} cannot be had: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** Writes the file anew. JSON is YAML, but people edit this one, so it is written in lines. */
export async function writeContextFile(io: Io, file: ContextFile): Promise<void> {
  const path = contextFilePath(io);
  if (path === undefined) throw usageFailure("there is no place for contexts", "set HOME or CORVO_CONFIG_DIR");
  const { yamlOf } = await import("./yaml.js");
  try {
    await io.writeFile(path, yamlOf(JSON.stringify(file)));
  } catch (error) {
    throw new Failure(exitCodes.failed, `${path} cannot be written: ${(error as Error).message}`, { hint: "CORVO_CONFIG_DIR names another folder" });
  }
}

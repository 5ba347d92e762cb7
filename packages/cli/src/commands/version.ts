import type { CommandSpec } from "../command.js";

declare const CORVO_VERSION: string | undefined;
declare const CORVO_COMMIT: string | undefined;
declare const CORVO_BUILT: string | undefined;

/** Put in by the build; unbuilt sources know none of it. */
export const built = {
  version: typeof CORVO_VERSION === "string" ? CORVO_VERSION : "0.0.0",
  commit: typeof CORVO_COMMIT === "string" ? CORVO_COMMIT : "unknown",
  built: typeof CORVO_BUILT === "string" ? CORVO_BUILT : "unknown",
};

export const version: CommandSpec = {
  name: "version",
  group: "Server",
  summary: "show the version of this program",
  client: false,
  examples: ["corvo version", "corvo version -o json", "corvo version -o name"],
  async run(session) {
    if (session.object(built)) return;
    if (session.output === "name") session.line(built.version);
    else session.line(`corvo ${built.version} (commit: ${built.commit}, built: ${built.built})`);
  },
};

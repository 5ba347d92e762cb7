type Server = typeof import("@corvo/server");
type Bench = typeof import("@corvo/bench");
type Storage = typeof import("@corvo/storage");
type Yaml = typeof import("yaml");

/** What is loaded only when a command needs it, so that small commands start fast. */
export interface Loaders {
  server(): Promise<Pick<Server, "serverFlags" | "runServer" | "resolveServerOptions">>;
  backups(): Promise<Pick<Server, "restoreDirectory" | "examineBackupFile">>;
  bench(): Promise<Pick<Bench, "runBench">>;
  storage(): Promise<Pick<Storage, "verifyDataDirectory">>;
  yaml(): Promise<Pick<Yaml, "parseDocument">>;
}

export { examineBackupFile, RestoreRefused, restoreDirectory } from "./admin/restore.js";
export { type ServerFlag, serverFlags } from "./flags.js";
export { type Log, openLog } from "./log.js";
export { type GivenFlags, OptionError, resolveServerOptions, type ServerOptions } from "./options.js";
export { type RunningServer, runServer, startServer } from "./run-server.js";
export { apiVersion, serverVersion } from "./version.js";

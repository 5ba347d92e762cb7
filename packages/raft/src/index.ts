export { type ConfChange, ConfChangeType, type ConfState, CorePanic, type CoreStatus, confOf, Transition } from "./contract.js";
export { decodeConf, encodeConf } from "./layout.js";
export { MalformedFrame, wireVersion } from "./message.js";
export type { Network } from "./network.js";
export { RaftNode } from "./node.js";
export type { CommittedEntry, RaftNodeOptions, RoleName, SnapshotWanted } from "./options.js";
export { foundingEntryType, RecoveryError } from "./recover.js";

/** Where the compiled core lies: read it and compile it with WebAssembly.compile. */
export const coreUrl = new URL("../core.wasm", import.meta.url);

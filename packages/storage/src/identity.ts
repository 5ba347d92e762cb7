import { checksum } from "./checksum.js";

/** Whose data a directory holds. Chosen once, when it is made; every file carries it. */
export interface StorageIdentity {
  /** 32 hex digits. */
  clusterId: string;
  /** Raft's id of this node: a safe integer from 1. */
  nodeId: number;
  shard: number;
  /** 16 hex digits, random per directory: checksums start from it, so nobody outside can foresee one. */
  salt: string;
}

/** Layout of the data directory and format of its files. */
export const storageFormat = 1;

/** Thrown when a data directory is not what it should be: a file is missing or damaged, or it belongs to somebody else. */
export class DataDirectoryError extends Error {
  constructor(
    readonly path: string,
    what: string,
  ) {
    super(`${path}: ${what}`);
    this.name = "DataDirectoryError";
  }
}

/** Which store holds the log. */
export type LogBackend = "segments" | "level";

/** What the file `identity` says. */
export interface DirectoryIdentity extends StorageIdentity {
  log: LogBackend;
}

/** One line of JSON and its CRC: a person can read it, a flipped bit is found. */
export function encodeIdentity(identity: DirectoryIdentity): Uint8Array {
  const { clusterId, nodeId, shard, salt, log } = identity;
  const line = `${JSON.stringify({ format: storageFormat, clusterId, nodeId, shard, salt, log })}\n`;
  return Buffer.from(`${line}${checksum(Buffer.from(line)).toString(16).padStart(8, "0")}\n`);
}

/** What an identity file says, or what is wrong with it. */
export function decodeIdentity(bytes: Uint8Array): DirectoryIdentity | string {
  const text = Buffer.from(bytes).toString("latin1");
  const end = text.indexOf("\n") + 1;
  if (end === 0 || text.slice(end) !== `${checksum(bytes.subarray(0, end)).toString(16).padStart(8, "0")}\n`) return "it does not match its checksum";
  const { format, ...identity } = JSON.parse(text.slice(0, end)) as DirectoryIdentity & { format: number };
  if (format !== storageFormat) return `its format is ${format}; this program reads format ${storageFormat}`;
  return identity;
}

export function checkIdentity(identity: StorageIdentity): void {
  if (!/^[0-9a-f]{32}$/.test(identity.clusterId)) throw new Error("cluster id must be 32 lower-case hex digits");
  if (!Number.isSafeInteger(identity.nodeId) || identity.nodeId < 1) throw new Error("node id must be a positive safe integer");
  if (!Number.isInteger(identity.shard) || identity.shard < 0 || identity.shard > 0xffffffff) throw new Error("shard must be an unsigned 32-bit number");
  if (!/^[0-9a-f]{16}$/.test(identity.salt)) throw new Error("salt must be 16 lower-case hex digits");
}

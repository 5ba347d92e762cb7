import type { DirectoryIdentity } from "./identity.js";
import type { Problem } from "./segment-log-scan.js";

export interface VerifiedFile {
  path: string;
  kind: "identity" | "hard state" | "log" | "archive" | "snapshot";
  bytes: number;
  /** Intact records; slots of the hard state; chunks of a snapshot. */
  records: number;
}

export interface VerifyProblem extends Problem {
  /** What cannot be read any more because of it, and what else has it. */
  lost: string;
  /** What to do about it. */
  next: string;
  /** What `repair` did about it; absent: nothing. */
  repair?: string;
  repaired?: boolean;
}

export interface VerifyReport {
  /** Undefined when the directory does not say whose it is. */
  identity: DirectoryIdentity | undefined;
  files: VerifiedFile[];
  problems: VerifyProblem[];
  /** Index of the first and the last entry of the log. */
  log: { firstIndex: number; lastIndex: number; sealed: boolean } | undefined;
  totals: { files: number; bytes: number; records: number; problems: number; repaired: number };
}

export const withRepair = "verify with --repair writes it anew";
export const fromBackup = "restore a backup";

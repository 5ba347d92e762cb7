import type { ChildProcessByStdio } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { ProgramGuard } from "./program-guard.js";

/** A program to run once. */
export interface ProgramCall {
  /** Name or path, and arguments; no shell is between. */
  command: readonly string[];
  stdin: string;
  /** Added to this process's own. */
  env: Readonly<Record<string, string>>;
  /** What it says on standard error, as it comes. */
  onStderr(text: string): void;
}

export interface ProgramEnd {
  /** Undefined: a signal ended it. */
  code: number | undefined;
  signal: string | undefined;
  /** Standard output; undefined when it was longer than 16 MiB. */
  stdout: string | undefined;
  /** The last of standard error. */
  stderrTail: string;
}

export interface RunningProgram {
  /** Rejects with the system's error when it could not be started. */
  readonly ended: Promise<ProgramEnd>;
  /** Signals the program and those that it started. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** More than any server takes as a result. */
const stdoutBytesMax = 16 * 1024 * 1024;
const stderrTailBytes = 16 * 1024;
/** After its end, for those that it started and that still hold its output: long enough to write what they have. */
const leftoverMs = 2_000;

let guard: ProgramGuard | undefined;

/**
 * Starts a program in a process group of its own: Ctrl-C in the terminal is for this process, which lets running programs finish, and
 * a signal reaches the children of a script, too. When this process is killed, the guard ends the group.
 */
export async function startProgram(call: ProgramCall): Promise<RunningProgram> {
  const { spawn } = await import("node:child_process");
  guard ??= new ProgramGuard(spawn);
  const [file, ...args] = call.command;
  let child: ChildProcessByStdio<Writable, Readable, Readable>;
  try {
    child = spawn(file, args, { env: { ...process.env, ...call.env }, stdio: ["pipe", "pipe", "pipe"], detached: true });
  } catch (error) {
    return { ended: Promise.reject(error), kill: () => {} };
  }
  const { pid } = child;
  if (pid !== undefined) guard.add(pid);
  const ended = endOf(child, call.onStderr).finally(() => pid !== undefined && guard?.delete(pid));
  // A program that does not read its input closes it.
  child.stdin.on("error", () => {});
  child.stdin.end(call.stdin);
  return { ended, kill: (signal) => killGroup(pid, signal) };
}

async function endOf(child: ChildProcessByStdio<Writable, Readable, Readable>, onStderr: ProgramCall["onStderr"]): Promise<ProgramEnd> {
  const out: Buffer[] = [];
  let outBytes = 0;
  let tail = Buffer.alloc(0);
  const decoder = new StringDecoder("utf8");
  child.stdout.on("data", (bytes: Buffer) => {
    outBytes += bytes.length;
    if (outBytes <= stdoutBytesMax) out.push(bytes);
    else out.length = 0;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    onStderr(decoder.write(bytes));
    tail = Buffer.concat([tail, bytes]).subarray(-stderrTailBytes);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    let leftovers: NodeJS.Timeout | undefined;
    child.once("error", reject);
    child.once("exit", () => {
      leftovers = setTimeout(() => {
        killGroup(child.pid, "SIGKILL");
        // Whoever left the group on purpose is not in the way.
        child.stdout.destroy();
        child.stderr.destroy();
      }, leftoverMs);
    });
    child.once("close", (...how) => {
      clearTimeout(leftovers);
      resolve(how);
    });
  });
  return {
    code: code ?? undefined,
    signal: signal ?? undefined,
    stdout: outBytes > stdoutBytesMax ? undefined : Buffer.concat(out).toString("utf8"),
    stderrTail: wholeCharacters(tail).toString("utf8"),
  };
}

/** Without the end of a character whose beginning was cut off. */
function wholeCharacters(utf8: Buffer): Buffer {
  let from = 0;
  while (from < 3 && (utf8[from] & 0xc0) === 0x80) from++;
  return utf8.subarray(from);
}

function killGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/** Whether a name or path is a program, as `startProgram` looks for it: a path as it is, a name in the folders of PATH. */
export async function isProgram(file: string): Promise<boolean> {
  const folders = file.includes("/") ? [""] : (process.env.PATH ?? "/usr/bin:/bin").split(":").map((folder) => `${folder || "."}/`);
  for (const folder of folders) if (await isExecutable(`${folder}${file}`)) return true;
  return false;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for this user.
    return false;
  }
}

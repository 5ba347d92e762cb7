/** A program to run once. */
export interface ProgramCall {
  /** Name or path, and arguments; no shell is between. */
  command: readonly string[];
  stdin: string;
  /** Added to this process's own. */
  env: Readonly<Record<string, string>>;
  /** What it says on standard error, as it comes. */
  onStderr(text: Uint8Array): void;
}

export interface ProgramEnd {
  /** Undefined: a signal ended it. */
  code: number | undefined;
  signal: string | undefined;
  /** Standard output; undefined when it was longer than a result may be. */
  stdout: string | undefined;
  /** The last of standard error. */
  stderrTail: string;
}

export interface RunningProgram {
  /** Rejects when it could not be started. */
  readonly ended: Promise<ProgramEnd>;
  /** Signals the program and those that it started. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** More than any server takes as a result. */
const stdoutBytesMax = 16 * 1024 * 1024;
const stderrTailBytes = 16 * 1024;

/**
 * Starts a program in a process group of its own: Ctrl-C in the terminal is for this process, which lets running programs finish, and
 * a signal reaches the children of a script, too.
 */
export async function startProgram(call: ProgramCall): Promise<RunningProgram> {
  const { spawn } = await import("node:child_process");
  const [file, ...args] = call.command;
  const child = spawn(file, args, { env: { ...process.env, ...call.env }, stdio: ["pipe", "pipe", "pipe"], detached: true });
  const out: Buffer[] = [];
  let outBytes = 0;
  let tail = Buffer.alloc(0);
  child.stdout.on("data", (bytes: Buffer) => {
    outBytes += bytes.length;
    if (outBytes <= stdoutBytesMax) out.push(bytes);
  });
  child.stderr.on("data", (bytes: Buffer) => {
    call.onStderr(bytes);
    tail = Buffer.concat([tail, bytes]).subarray(-stderrTailBytes);
  });
  // A program that does not read its input closes it.
  child.stdin.on("error", () => {});
  child.stdin.end(call.stdin);
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({
        code: code ?? undefined,
        signal: signal ?? undefined,
        stdout: outBytes > stdoutBytesMax ? undefined : Buffer.concat(out).toString("utf8"),
        stderrTail: tail.toString("utf8"),
      }),
    );
  });
  return { ended, kill: (signal) => void killGroup(child.pid, signal) };
}

function killGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

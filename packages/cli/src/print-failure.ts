import { exitCodes, Failure } from "./failure.js";
import type { Io } from "./io.js";
import { type Colors, type CommonFlags, colorsFor } from "./session.js";

/** Prints what went wrong on stderr and returns its exit code. */
export function printFailure(io: Io, error: unknown, flags: CommonFlags): number {
  const colors = colorsFor(flags.color, io.stderrIsTty, io.env);
  if (!(error instanceof Failure)) {
    io.stderr(`${colors.red("error:")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    io.stderr(`${colors.cyan("hint:")}  this is a defect of the command line; the lines above help to find it\n`);
    return exitCodes.failed;
  }
  io.stderr(failureText(error, colors));
  return error.exitCode;
}

export function failureText(failure: Failure, colors: Colors): string {
  const lines = [`${colors.red("error:")} ${failure.message}`, ...failure.detail];
  if (failure.hint) lines.push(`${colors.cyan("hint:")}  ${failure.hint}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a server's text must not steer the terminal
  return lines.map((line) => `${line.replace(/[\u0000-\u0009\u000b-\u001a\u001c-\u001f\u007f-\u009f]+/g, " ")}\n`).join("");
}

import { inspect, types } from "node:util";

/** Longer text is cut by the server. */
const textLengthMax = 64 * 1024;

/** Whatever a handler threw, in words. */
export function describe(thrown: unknown): { error: string; backtrace: string } {
  const isError = thrown instanceof Error || types.isNativeError(thrown);
  const shown = shownAs(thrown);
  const message = isError && typeof thrown.message === "string" && thrown.message !== "" ? thrown.message : typeof thrown === "string" ? thrown : shown;
  return { error: fit(message), backtrace: isError ? fit(shown) : "" };
}

function shownAs(thrown: unknown): string {
  try {
    return inspect(thrown);
  } catch {
    return `something of type ${typeof thrown} that cannot be shown`;
  }
}

/** Cut to its length, and half characters, which the wire does not know, replaced. */
function fit(text: string): string {
  return Buffer.from(text.slice(0, textLengthMax)).toString();
}

/** `cost=`, `in=`, `out=`, `model=`, `provider=`; undefined: none of them. */
export function usageOf(args: Map<string, string>) {
  if (!["cost", "in", "out", "model", "provider"].some((name) => args.has(name))) return undefined;
  const number = (name: string) => Number(args.get(name) ?? 0);
  return { costUsd: number("cost"), inputTokens: number("in"), outputTokens: number("out"), model: args.get("model"), provider: args.get("provider") };
}

/** `chain=a>b>c`, each step a queue or a queue and a payload as in `b/{"x":1}`; `on_failure=` and `on_exit=` beside it. */
export function chainOf(args: Map<string, string>) {
  const step = (word: string) => {
    const at = word.indexOf("/");
    return at === -1 ? { queue: word } : { queue: word.slice(0, at), payloadJson: word.slice(at + 1) };
  };
  const one = (name: string) => (args.has(name) ? step(args.get(name)!) : undefined);
  return { steps: args.get("chain")!.split(">").map(step), onFailure: one("on_failure"), onExit: one("on_exit"), raw: args.has("chain_id") };
}

export function list(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

/** `mail`, or `mail:priority=high:unique=k`. */
export function fields(word: string): Map<string, string> {
  const [queue, ...rest] = word.split(":");
  const args = new Map([["queue", queue === "blank" ? "" : queue]]);
  for (const one of rest) args.set(one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1));
  return args;
}

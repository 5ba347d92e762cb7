import { type CommandSpec, text } from "../command.js";
import { exitCodes, Failure, usageFailure } from "../failure.js";
import type { Session } from "../session.js";
import { durationFlagMs } from "../time.js";
import { type Act, menuOf, menuPressed, perform } from "../top/act.js";
import { type Picture, Watcher } from "../top/data.js";
import { type Choice, frame, type Look, visibleQueues } from "../top/frame.js";
import { Screen } from "../top/screen.js";

export const top: CommandSpec = {
  name: "top",
  group: "Watch",
  summary: "watch queues and workers live",
  client: true,
  examples: ["corvo top", "corvo top --interval 5s", "corvo top --once"],
  flags: [
    { flags: "--once", description: "print one frame and end; what happens in a pipe anyway" },
    { flags: "--interval <duration>", description: "how often to look (default: 2s)" },
  ],
  notes: [
    "It only looks, until x is pressed: pause, resume or retry, asked first; a production context has the number of jobs typed. Keys: ? shows them.",
    "Rates are the difference of two looks.",
  ],
  async run(session, _args, flags) {
    const intervalMs = durationFlagMs("--interval", text(flags, "interval") ?? "2s");
    if (intervalMs < 200) throw usageFailure("--interval must be 200ms or more");
    const watcher = new Watcher(session);
    if (session.output !== "table" && session.output !== "wide" && session.object(await watcher.look())) return;
    if (flags.once === true || !session.io.stdoutIsTty || !session.io.stdinIsTty)
      return session.lines(frame(await watcher.look(), start(), lookOf(session, false)).map((line) => line.trimEnd()));
    return await live(session, watcher, intervalMs);
  },
};

const start = (): Choice => ({ view: "queues", at: 0, filter: "", typing: false });

function lookOf(session: Session, isLive: boolean): Look {
  const { io, colors, context, client } = session;
  const ascii = !/utf-?8/i.test(io.env.LC_ALL || io.env.LC_CTYPE || io.env.LANG || "");
  const columns = io.stdoutIsTty ? Math.max(40, io.columns) : 120;
  return { columns, rows: Math.max(6, io.rows), colors, ascii, live: isLive, server: client.server, context: context?.name };
}

/** Looks, draws, listens to keys, until q or Ctrl-C. The next look starts after the last has ended. */
async function live(session: Session, watcher: Watcher, intervalMs: number): Promise<number> {
  const { io } = session;
  const end = new AbortController();
  const interrupted = io.interruption();
  interrupted.addEventListener("abort", () => end.abort());
  let choice = start();
  let picture = await watcher.look();
  let trouble: string | undefined;
  // What became of the last act, until the next key.
  let said: string | undefined;
  const hurry = new Hurry();
  const screen = new Screen(io);
  const draw = (): void => {
    const look = lookOf(session, true);
    const lines = frame(picture, choice, look);
    if (said) lines[lines.length - 1] = said.slice(0, look.columns);
    else if (trouble) lines[lines.length - 1] = session.colors.red(trouble.slice(0, look.columns));
    screen.draw(lines);
  };
  const doIt = async (queue: string, act: Act): Promise<void> => {
    said = `${act.name} ${queue} …`;
    draw();
    try {
      said = await perform(session, queue, act);
    } catch (error) {
      said = error instanceof Failure ? error.message : String(error);
    }
    hurry.now();
    draw();
  };
  const unlisten = io.onKey((key) => {
    said = undefined;
    if (choice.menu && key !== "\u0003") {
      const { menu, act } = menuPressed(choice.menu, key, session.context?.production === true);
      const { queue } = choice.menu;
      choice = { ...choice, menu };
      if (act) void doIt(queue, act);
      return draw();
    }
    const next = pressed(choice, key, picture);
    if (next === undefined) return end.abort();
    choice = next;
    draw();
  });
  const unwatch = io.onResize(() => {
    screen.forget();
    draw();
  });
  try {
    draw();
    for (;;) {
      await io.sleep(intervalMs, AbortSignal.any([end.signal, hurry.signal()]));
      if (end.signal.aborted) return interrupted.aborted ? exitCodes.interrupted : exitCodes.ok;
      try {
        picture = await watcher.look();
        trouble = undefined;
      } catch (error) {
        // The last numbers stay, and say that they are old; the next look may go better.
        if (!(error instanceof Failure)) throw error;
        trouble = `${error.message}; numbers of ${new Date(picture.takenMs).toISOString().slice(11, 19)}`;
      }
      draw();
    }
  } finally {
    unlisten();
    unwatch();
    screen.restore();
  }
}

/** Ends the pause between two looks early. */
class Hurry {
  private controller = new AbortController();
  now(): void {
    this.controller.abort();
  }
  /** For the next pause. */
  signal(): AbortSignal {
    if (this.controller.signal.aborted) this.controller = new AbortController();
    return this.controller.signal;
  }
}

/** What a key makes of the choice; undefined: the end. */
function pressed(choice: Choice, key: string, picture: Picture): Choice | undefined {
  if (key === "\u0003") return undefined;
  if (choice.typing) {
    if (key === "\r" || key === "\n" || key === "\u001b") return { ...choice, typing: false };
    if (key === "\u007f") return { ...choice, filter: choice.filter.slice(0, -1), at: 0 };
    return /^[\x20-\x7e]+$/.test(key) ? { ...choice, filter: choice.filter + key, at: 0 } : choice;
  }
  const count = choice.view === "workers" ? picture.workers.length : visibleQueues(picture, choice).length;
  const move = (by: number): Choice => ({ ...choice, at: Math.max(0, Math.min(count - 1, choice.at + by)) });
  switch (key) {
    case "q":
      return undefined;
    case "1":
      return { ...choice, view: "queues", at: 0 };
    case "5":
      return { ...choice, view: "workers", at: 0 };
    case "?":
      return { ...choice, view: choice.view === "help" ? "queues" : "help" };
    case "j":
    case "\u001b[B":
      return move(1);
    case "k":
    case "\u001b[A":
      return move(-1);
    case "x": {
      const queue = choice.view === "queues" ? visibleQueues(picture, choice)[choice.at] : undefined;
      return queue ? { ...choice, menu: menuOf(queue) } : choice;
    }
    case "/":
      return { ...choice, typing: true };
    case "-":
      return { ...choice, filter: "", at: 0 };
    default:
      return choice;
  }
}

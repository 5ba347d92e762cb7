import type { CommandInput, Reply } from "./turn.js";

/** What waits, by client, oldest first. */
interface Line {
  waiting: { command: CommandInput; reply: Reply | undefined }[];
  /** In the entry that is being gathered. */
  commands: number;
  bytes: number;
  seenMs: number;
}

/**
 * Sees to it that no client fills an entry alone while others are there: whoever has had its share of the entry that is being gathered
 * waits in a line of its own, and the lines are served in turns. So what others wait for is one entry of bounded size, however many
 * commands one client sends. A client that is alone is not held up.
 */
export class FairShare {
  private readonly lines = new Map<string, Line>();
  /** Commands in the lines. */
  waiting = 0;

  constructor(
    /** Of one client in one entry, while there are others. 256 commands and 128 KiB take about as long to apply as a sync takes. */
    private readonly commandsMax = 256,
    private readonly bytesMax = 128 * 1024,
    /** A client counts as being there for so long after its last command. */
    private readonly presentMs = 1000,
  ) {}

  /** True: the command may go into the entry; false: it waits in its client's line (its body is copied). */
  admit(command: CommandInput, reply: Reply | undefined, nowMs: number): boolean {
    const { client } = command;
    if (client === undefined) return true;
    let line = this.lines.get(client);
    if (!line) this.lines.set(client, (line = { waiting: [], commands: 0, bytes: 0, seenMs: nowMs }));
    line.seenMs = nowMs;
    if (line.waiting.length === 0 && (this.room(line) || this.lines.size === 1)) {
      this.take(line, command);
      return true;
    }
    line.waiting.push({ command: { ...command, body: command.body.slice() }, reply });
    this.waiting++;
    return false;
  }

  /** Commands of this client that wait in its line. */
  waitingOf(client: string | undefined): number {
    return client === undefined ? 0 : (this.lines.get(client)?.waiting.length ?? 0);
  }

  /** An entry was closed: everybody has a new share. Those that wait come in turns, `add` puts them into the next entry. */
  next(nowMs: number, add: (command: CommandInput, reply: Reply | undefined) => void): void {
    for (const [client, line] of this.lines) {
      line.commands = line.bytes = 0;
      if (line.waiting.length === 0 && nowMs - line.seenMs > this.presentMs) this.lines.delete(client);
    }
    if (this.waiting === 0) return;
    const alone = this.lines.size === 1;
    for (let moved = true; moved && this.waiting > 0; ) {
      moved = false;
      for (const line of this.lines.values()) {
        if (!alone && !this.room(line)) continue;
        const one = line.waiting.shift();
        if (!one) continue;
        this.waiting--;
        this.take(line, one.command);
        add(one.command, one.reply);
        moved = true;
      }
    }
  }

  /** Everybody who waits, oldest of each client first; nobody waits any more. */
  takeAll(): (Reply | undefined)[] {
    const replies = [...this.lines.values()].flatMap(({ waiting }) => waiting.map(({ reply }) => reply));
    this.lines.clear();
    this.waiting = 0;
    return replies;
  }

  private room(line: Line): boolean {
    return line.commands < this.commandsMax && line.bytes < this.bytesMax;
  }

  private take(line: Line, { body }: CommandInput): void {
    line.commands++;
    line.bytes += body.length;
  }
}

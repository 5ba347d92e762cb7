import type { Io } from "../io.js";

const csi = "\u001b[";

/** The terminal as a whole: draws only the lines that changed, and gives it back as it was. */
export class Screen {
  private drawn: readonly string[] = [];

  constructor(private readonly io: Io) {
    // The other screen, no cursor.
    io.stdout(`${csi}?1049h${csi}?25l${csi}2J`);
  }

  draw(lines: readonly string[]): void {
    let out = "";
    lines.forEach((line, i) => {
      if (line !== this.drawn[i]) out += `${csi}${i + 1};1H${line}${csi}0m${csi}K`;
    });
    if (lines.length < this.drawn.length) out += `${csi}${lines.length + 1};1H${csi}J`;
    this.drawn = lines;
    if (out) this.io.stdout(out);
  }

  /** After a change of size everything is drawn anew. */
  forget(): void {
    this.drawn = [];
    this.io.stdout(`${csi}2J`);
  }

  restore(): void {
    this.io.stdout(`${csi}?25h${csi}?1049l`);
  }
}

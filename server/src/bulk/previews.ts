import { randomBytes } from "node:crypto";
import type { Selection } from "@corvo/view";

/** A preview is held for this long. */
export const previewMs = 15 * 60_000;
/** Jobs in all previews together: 16 bytes each. */
const jobsMax = 4_000_000;
const previewsMax = 100;

interface Preview {
  selection: Selection;
  untilMs: number;
  /** Who may act on it: callers who see the same. */
  owner: string;
}

/** What previews found, until somebody acts on it. In memory of this node: after a restart one looks again. */
export class Previews {
  private readonly held = new Map<string, Preview>();

  /** When there are too many, the oldest of the owner who has the most goes: many of one cost the others nothing. */
  keep(selection: Selection, owner: string, nowMs: number): string {
    for (const [token, one] of this.held) if (one.untilMs <= nowMs) this.held.delete(token);
    const token = `plan_${randomBytes(12).toString("hex")}`;
    this.held.set(token, { selection, untilMs: nowMs + previewMs, owner });
    this.trim(token, (one) => one.selection.seqs.length, jobsMax);
    this.trim(token, () => 1, previewsMax);
    return token;
  }

  private trim(newest: string, sizeOf: (one: Preview) => number, max: number): void {
    const sizes = new Map<string, number>();
    let size = 0;
    for (const [token, one] of this.held) {
      size += sizeOf(one);
      if (token !== newest) sizes.set(one.owner, (sizes.get(one.owner) ?? 0) + sizeOf(one));
    }
    while (size > max && this.held.size > 1) {
      const [most] = [...sizes].reduce((a, b) => (b[1] > a[1] ? b : a));
      const [token, one] = [...this.held].find(([other, { owner }]) => other !== newest && owner === most)!;
      size -= sizeOf(one);
      sizes.set(most, sizes.get(most)! - sizeOf(one));
      this.held.delete(token);
    }
  }

  /** Undefined: there is none, or no more, or it is somebody else's. */
  find(token: string, owner: string, nowMs: number): Selection | undefined {
    const one = this.held.get(token);
    return one === undefined || one.untilMs <= nowMs || one.owner !== owner ? undefined : one.selection;
  }
}

import { randomBytes } from "node:crypto";
import type { Selection } from "@corvo/view";

/** A preview is held for this long. */
export const previewMs = 15 * 60_000;
/** Jobs in all previews together: 16 bytes each. */
const jobsMax = 4_000_000;
const previewsMax = 100;

/** What previews found, until somebody acts on it. In memory of this node: after a restart one looks again. */
export class Previews {
  private readonly held = new Map<string, { selection: Selection; untilMs: number }>();

  keep(selection: Selection, nowMs: number): string {
    for (const [token, one] of this.held) if (one.untilMs <= nowMs) this.held.delete(token);
    let jobs = selection.seqs.length;
    for (const one of this.held.values()) jobs += one.selection.seqs.length;
    for (const [token, one] of this.held) {
      if (jobs <= jobsMax && this.held.size < previewsMax) break;
      jobs -= one.selection.seqs.length;
      this.held.delete(token);
    }
    const token = `plan_${randomBytes(12).toString("hex")}`;
    this.held.set(token, { selection, untilMs: nowMs + previewMs });
    return token;
  }

  find(token: string, nowMs: number): Selection | undefined {
    const one = this.held.get(token);
    return one === undefined || one.untilMs <= nowMs ? undefined : one.selection;
  }
}

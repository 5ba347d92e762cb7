import { Grain, grainMs, UsageNumber } from "./ledger.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** What usage is grouped by. Queues of a namespace other than `default` have its name before theirs. */
export type UsageGrouping = "queue" | "model" | "provider" | "namespace";

export interface UsageTotals {
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  costNanos: number;
  count: number;
}

const decoder = new TextDecoder();
/** Queue, model and provider stand in a key one after the other, each with its length before it. */
const places = { queue: 0, namespace: 0, model: 1, provider: 2 } as const;

/**
 * Sums the usage ledger a part at a time, so that nobody waits for all of it. What was entered before the walk began is in it exactly once;
 * of what is entered meanwhile a part may be. When rows go into coarser ones meanwhile it begins again.
 */
export class UsageWalk {
  totals = noUsage();
  groups = new Map<string, UsageTotals>();
  /** How often it had to begin again. */
  restarts = 0;
  private last = 0;
  private folds: number;

  constructor(
    private readonly state: State,
    private readonly fromMs: number,
    private readonly by: UsageGrouping | undefined,
    /** Only of these queues; undefined: of all. */
    private readonly ofQueue: ((queue: string) => boolean) | undefined,
  ) {
    this.folds = state.usageFolds;
  }

  /** Looks at so many rows more. True: that was all. */
  step(rows: number): boolean {
    if (this.folds !== this.state.usageFolds) this.restart();
    const { entities: e } = this.state;
    let row = this.last === 0 ? e.first(EntityKind.usage) : e.following(e.bySerial(this.last));
    for (let i = 0; i < rows && row !== -1; i++, row = e.following(row)) {
      this.look(row);
      this.last = e.serial(row);
    }
    return row === -1;
  }

  private restart(): void {
    this.restarts++;
    this.folds = this.state.usageFolds;
    this.last = 0;
    this.totals = noUsage();
    this.groups = new Map();
  }

  private look(row: number): void {
    const { entities: e, arena } = this.state;
    const address = e.keyAddress(row);
    const key = arena.memory(address);
    const start = arena.start(address);
    const grain = key[start];
    if (grain === Grain.ever || e.num(row, UsageNumber.startMs) + grainMs[grain] <= this.fromMs) return;
    if (this.ofQueue !== undefined && !this.ofQueue(this.nameOf(key, start + 9, "queue"))) return;
    this.add(this.totals, row);
    if (this.by === undefined) return;
    const name = this.nameOf(key, start + 9, this.by);
    let totals = this.groups.get(name);
    if (totals === undefined) this.groups.set(name, (totals = noUsage()));
    this.add(totals, row);
  }

  private nameOf(key: Uint8Array, names: number, by: UsageGrouping): string {
    let at = names;
    for (let left: number = places[by]; left > 0; left--) at += 1 + key[at];
    const name = decoder.decode(key.subarray(at + 1, at + 1 + key[at]));
    if (by !== "namespace") return name;
    const end = name.indexOf("::");
    return end > 0 ? name.slice(0, end) : "default";
  }

  private add(to: UsageTotals, row: number): void {
    const { entities: e } = this.state;
    to.inputTokens += e.num(row, UsageNumber.input);
    to.outputTokens += e.num(row, UsageNumber.output);
    to.cacheCreationTokens += e.num(row, UsageNumber.cacheCreation);
    to.cacheReadTokens += e.num(row, UsageNumber.cacheRead);
    to.costNanos += e.num(row, UsageNumber.cost);
    to.count += e.num(row, UsageNumber.count);
  }
}

function noUsage(): UsageTotals {
  return { inputTokens: 0, outputTokens: 0, cacheCreationTokens: 0, cacheReadTokens: 0, costNanos: 0, count: 0 };
}

import { ErrorGroupTextReader } from "@corvo/gen/corvo/internal/v1/stats_fast.js";
import { formatJobId } from "@corvo/protocol";
import { textOf } from "./command.js";
import { GroupNumber } from "./counted.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const text = new ErrorGroupTextReader();
const decoder = new TextDecoder();

/** Errors of one queue that look the same. */
export interface ErrorGroupRecord {
  id: string;
  queue: string;
  words: string;
  sample: string;
  failures: number;
  dead: number;
  firstMs: number;
  lastMs: number;
  lastJobId: string;
}

/** All groups, the one that failed last first. */
export function errorGroups(s: State): ErrorGroupRecord[] {
  const { entities } = s;
  const found: ErrorGroupRecord[] = [];
  for (let row = entities.first(EntityKind.fingerprint); row !== -1; row = entities.following(row)) {
    const bytes = entities.textOf(row);
    const t = text.read(bytes, 0, bytes.length);
    found.push({
      id: decoder.decode(entities.keyOf(row)),
      queue: textOf(bytes, t.queueStart, t.queueEnd),
      words: textOf(bytes, t.wordsStart, t.wordsEnd),
      sample: textOf(bytes, t.sampleStart, t.sampleEnd),
      failures: entities.num(row, GroupNumber.failures),
      dead: entities.num(row, GroupNumber.dead),
      firstMs: entities.num(row, GroupNumber.firstMs),
      lastMs: entities.num(row, GroupNumber.lastMs),
      lastJobId: formatJobId(entities.num(row, GroupNumber.lastCreatedMs), entities.num(row, GroupNumber.lastSeq)),
    });
  }
  return found.sort((a, b) => b.lastMs - a.lastMs || (a.id < b.id ? -1 : 1));
}

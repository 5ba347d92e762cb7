import type { State } from "./state.js";

/** An entity as it was when it was asked for. */
export interface EntityRecord {
  /** Rises with each entity. */
  serial: number;
  key: Uint8Array;
  text: Uint8Array;
  /** Eight. */
  nums: number[];
  /** Four. */
  ints: number[];
  /** Number of the namespace that it belongs to; 0: `default`. */
  owner: number;
}

export function entityRecords(s: State, kind: number): EntityRecord[] {
  const records: EntityRecord[] = [];
  for (let row = s.entities.first(kind); row !== -1; row = s.entities.following(row)) records.push(record(s, row));
  return records;
}

export function entityRecord(s: State, kind: number, key: string): EntityRecord | undefined {
  const bytes = new TextEncoder().encode(key);
  const row = s.entities.find(kind, bytes, 0, bytes.length);
  return row === -1 ? undefined : record(s, row);
}

function record({ entities }: State, row: number): EntityRecord {
  return {
    serial: entities.serial(row),
    key: entities.keyOf(row),
    text: entities.textOf(row),
    nums: Array.from({ length: 8 }, (_, i) => entities.num(row, i)),
    ints: Array.from({ length: 4 }, (_, i) => entities.int4(row, i)),
    owner: entities.owner(row),
  };
}

import type { ArchivePlace } from "@corvo/engine";

export interface ArchivedRecord {
  place: ArchivePlace;
  seq: number;
  bytes: Uint8Array;
}

/** Finished jobs in memory: what `ArchiveStore` does on disk. Records that are written again must be the same. */
export class MemoryArchive {
  records: ArchivedRecord[] = [];
  readonly dropped = new Set<number>();

  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void {
    this.records.push({ place: { ...place }, seq, bytes: bytes.slice() });
  }

  drop(segments: readonly number[]): void {
    for (const segment of segments) this.dropped.add(segment);
    this.records = this.records.filter(({ place }) => !this.dropped.has(place.segment));
  }

  find(seq: number): ArchivedRecord | undefined {
    return this.records.findLast((record) => record.seq === seq);
  }

  copy(): MemoryArchive {
    const other = new MemoryArchive();
    other.records = [...this.records];
    for (const segment of this.dropped) other.dropped.add(segment);
    return other;
  }
}

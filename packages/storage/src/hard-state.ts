import { checksum } from "./checksum.js";
import type { Disk, DiskFile } from "./disk.js";
import { readWholeFile, writeWholeFile } from "./disk.js";
import type { StorageIdentity } from "./identity.js";

/**
 * Term and vote in a file of their own, beside the log's batch records: two slots a page apart, written in turn, so that a torn write
 * spoils at most the older one. Slot: u32 magic · u32 zero · u64 sequence · u64 term · u64 vote · u32 CRC, which starts from a sum of
 * the identity. Both slots are written when the file is made, so a slot that does not check is damage or a torn write, never "not yet".
 */
const slotBytes = 36;
const slotDistanceBytes = 4096;
const magic = 0x54534843; // "CHST"

export interface Slot {
  sequence: number;
  term: number;
  vote: number;
}

export interface FoundSlots {
  /** The newest intact slot. */
  best: Slot | undefined;
  /** Per slot what is wrong with it, if anything. */
  problems: (string | undefined)[];
}

export class HardStateFile {
  #next: number;
  #sequence: number;

  private constructor(
    private readonly file: DiskFile,
    private readonly seed: number,
    found: FoundSlots,
  ) {
    this.#sequence = found.best?.sequence ?? 0;
    // The damaged slot first, else the older one.
    const bad = found.problems.findIndex((problem) => problem !== undefined);
    this.#next = bad >= 0 ? bad : this.#sequence % 2;
  }

  static async create(disk: Disk, path: string, identity: StorageIdentity): Promise<void> {
    await writeWholeFile(disk, path, encodeSlots(identity, { sequence: 2, term: 0, vote: 0 }));
  }

  /** Undefined when there is no such file. */
  static async open(disk: Disk, path: string, identity: StorageIdentity): Promise<{ file: HardStateFile; found: FoundSlots } | undefined> {
    const bytes = await readWholeFile(disk, path);
    if (bytes === undefined) return undefined;
    const found = decodeSlots(bytes, identity);
    return { file: new HardStateFile(await disk.open(path, "write"), seedOf(identity), found), found };
  }

  /** Writes the next slot, without syncing it. */
  write(term: number, vote: number): void {
    this.#sequence++;
    this.file.writeSync([encodeSlot(this.seed, { sequence: this.#sequence, term, vote })], this.#next * slotDistanceBytes);
    this.#next = 1 - this.#next;
  }

  sync(): Promise<void> {
    return this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Both slots as they lie in the file, the second one holding `slot`, the first the same one sequence earlier. */
export function encodeSlots(identity: StorageIdentity, slot: Slot): Uint8Array {
  const bytes = new Uint8Array(slotDistanceBytes + slotBytes);
  bytes.set(encodeSlot(seedOf(identity), { ...slot, sequence: slot.sequence - 1 }), 0);
  bytes.set(encodeSlot(seedOf(identity), slot), slotDistanceBytes);
  return bytes;
}

export function decodeSlots(bytes: Uint8Array, identity: StorageIdentity): FoundSlots {
  const seed = seedOf(identity);
  const problems: (string | undefined)[] = [];
  let best: Slot | undefined;
  for (const at of [0, slotDistanceBytes]) {
    const slot = decodeSlot(Buffer.from(bytes.subarray(at, at + slotBytes)), seed);
    problems.push(typeof slot === "string" ? slot : undefined);
    if (typeof slot !== "string" && (best === undefined || slot.sequence > best.sequence)) best = slot;
  }
  return { best, problems };
}

function encodeSlot(seed: number, slot: Slot): Uint8Array {
  const bytes = Buffer.alloc(slotBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeBigUInt64LE(BigInt(slot.sequence), 8);
  bytes.writeBigUInt64LE(BigInt(slot.term), 16);
  bytes.writeBigUInt64LE(BigInt(slot.vote), 24);
  bytes.writeUInt32LE(checksum(bytes.subarray(0, 32), seed), 32);
  return bytes;
}

function decodeSlot(bytes: Buffer, seed: number): Slot | string {
  if (bytes.length < slotBytes) return "the slot is cut off";
  if (bytes.readUInt32LE(32) !== checksum(bytes.subarray(0, 32), seed)) return "the slot does not match its checksum";
  if (bytes.readUInt32LE(0) !== magic) return "the slot's magic is missing";
  return { sequence: Number(bytes.readBigUInt64LE(8)), term: Number(bytes.readBigUInt64LE(16)), vote: Number(bytes.readBigUInt64LE(24)) };
}

function seedOf(identity: StorageIdentity): number {
  return checksum(Buffer.from(`hard state ${identity.clusterId} ${identity.nodeId} ${identity.shard} ${identity.salt}`, "latin1"));
}

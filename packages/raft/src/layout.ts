import type { ConfState } from "./contract.js";

/**
 * Bytes between host and core, little-endian and fixed-width: the other half of core/wire.go.
 *
 * Message: u32 type, u32 flags, eight u64 (to, from, term, logTerm, index, commit, vote, rejectHint), then, as flagged, u32 length and
 * context, and snapshot (u64 index, u64 term, configuration); u32 count of entries.
 * Entry: u64 index, u64 term, u32 type (with `keptBit`: the host has the payload), u32 size, and the bytes unless kept.
 * Configuration: four lists (u32 count, u64 each), u32 autoLeave. Numbers are exact up to 2^53.
 */
export const keptBit = 0x8000_0000;
export const messageHeaderBytes = 72;
export const entryHeadBytes = 24;
export const messageFlag = { rejects: 1, hasContext: 2, hasSnapshot: 4 } as const;
export const readyFlag = { softState: 1, hardState: 2, mustSync: 4, snapshot: 8, append: 16 } as const;

const high = 0x1_0000_0000;

export const getU64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * high;
export const setU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / high), true);
};

/** A cursor over bytes that checks every step. */
export class Cursor {
  readonly view: DataView;
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  u64(): number {
    const value = getU64(this.view, this.at);
    this.at += 8;
    return value;
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new RangeError("the input ends early");
    return this.bytes.subarray(this.at, (this.at += length));
  }

  ids(): number[] {
    const count = this.u32();
    if (count > (this.bytes.length - this.at) / 8) throw new RangeError("the input ends early");
    return Array.from({ length: count }, () => this.u64());
  }

  conf(): ConfState {
    return { voters: this.ids(), learners: this.ids(), votersOutgoing: this.ids(), learnersNext: this.ids(), autoLeave: this.u32() !== 0 };
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }
}

export function confBytes(conf: ConfState): number {
  return 20 + 8 * (conf.voters.length + conf.learners.length + conf.votersOutgoing.length + conf.learnersNext.length);
}

/** Writes a configuration and gives the position behind it. */
export function putConf(view: DataView, start: number, conf: ConfState): number {
  let at = start;
  for (const ids of [conf.voters, conf.learners, conf.votersOutgoing, conf.learnersNext]) {
    view.setUint32(at, ids.length, true);
    at += 4;
    for (const id of ids) {
      setU64(view, at, id);
      at += 8;
    }
  }
  view.setUint32(at, conf.autoLeave ? 1 : 0, true);
  return at + 4;
}

const confVersion = 1;

/** Membership as it is kept in a snapshot's header: a version byte and the configuration. */
export function encodeConf(conf: ConfState): Uint8Array {
  const bytes = new Uint8Array(1 + confBytes(conf));
  bytes[0] = confVersion;
  putConf(new DataView(bytes.buffer), 1, conf);
  return bytes;
}

export function decodeConf(bytes: Uint8Array): ConfState {
  if (bytes[0] !== confVersion) throw new Error(`membership has version ${bytes[0]}, this is for ${confVersion}`);
  const cursor = new Cursor(bytes, 1);
  const conf = cursor.conf();
  if (!cursor.done) throw new Error("membership has trailing bytes");
  return conf;
}

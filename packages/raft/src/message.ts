import type { CoreSnapshot } from "./contract.js";
import { Cursor, confBytes, entryHeadBytes, getU64, keptBit, messageFlag, messageHeaderBytes, putConf, setU64 } from "./layout.js";

/**
 * What peers send each other: a version byte, u32 length of the core's message, that message, and the payloads of its kept entries one
 * after the other. The core's part goes into the core untouched; the sizes in it say where each payload ends.
 */
export const wireVersion = 1;
const prefixBytes = 5;

/** An entry of a message whose payload travels beside it. */
export interface EntryPlace {
  index: number;
  term: number;
  size: number;
}

export interface Frame {
  from: number;
  to: number;
  term: number;
  type: number;
  /** For the core. */
  message: Uint8Array;
  payloads: { index: number; term: number; data: Uint8Array }[];
}

/** A frame that this version cannot read: it is dropped, as if the network had lost it. */
export class MalformedFrame extends Error {
  override name = "MalformedFrame";
}

/** The entries of a message whose payloads the host has, in index order. Throws MalformedFrame. */
export function keptEntries(message: Uint8Array): EntryPlace[] {
  return reading(() => {
    const cursor = new Cursor(message, 4);
    const flags = cursor.u32();
    cursor.at = messageHeaderBytes;
    if (flags & messageFlag.hasContext) cursor.take(cursor.u32());
    if (flags & messageFlag.hasSnapshot) {
      cursor.take(16);
      cursor.conf();
    }
    const kept: EntryPlace[] = [];
    for (let count = cursor.u32(); count > 0; count--) {
      const index = cursor.u64();
      const term = cursor.u64();
      const type = cursor.u32();
      const size = cursor.u32();
      if (type >= keptBit) kept.push({ index, term, size });
      else cursor.take(size);
    }
    if (!cursor.done) throw new MalformedFrame("bytes behind the last entry");
    return kept;
  });
}

export function encodeFrame(message: Uint8Array, payloads: readonly Uint8Array[] = []): Uint8Array {
  let size = prefixBytes + message.length;
  for (const payload of payloads) size += payload.length;
  const frame = new Uint8Array(size);
  frame[0] = wireVersion;
  new DataView(frame.buffer).setUint32(1, message.length, true);
  frame.set(message, prefixBytes);
  let at = prefixBytes + message.length;
  for (const payload of payloads) {
    frame.set(payload, at);
    at += payload.length;
  }
  return frame;
}

/** Views into the frame, not copies. Throws MalformedFrame. */
export function decodeFrame(frame: Uint8Array): Frame {
  if (frame[0] !== wireVersion) throw new MalformedFrame(`version ${frame[0]}, this is for ${wireVersion}`);
  return reading(() => {
    const cursor = new Cursor(frame, 1);
    const message = cursor.take(cursor.u32());
    const head = new Cursor(message);
    const type = head.u32();
    head.at = 8;
    const to = head.u64();
    const from = head.u64();
    const term = head.u64();
    const payloads = keptEntries(message).map(({ index, term, size }) => ({ index, term, data: cursor.take(size) }));
    if (!cursor.done) throw new MalformedFrame("bytes behind the last payload");
    return { from, to, term, type, message, payloads };
  });
}

/** A snapshot message for another, newer snapshot than the one the core named: the host offers the one it has. */
export function withSnapshot(message: Uint8Array, snapshot: CoreSnapshot): Uint8Array {
  const bytes = new Uint8Array(messageHeaderBytes + 16 + confBytes(snapshot.conf) + 4);
  bytes.set(message.subarray(0, messageHeaderBytes));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, messageFlag.hasSnapshot, true);
  setU64(view, messageHeaderBytes, snapshot.index);
  setU64(view, messageHeaderBytes + 8, snapshot.term);
  putConf(view, messageHeaderBytes + 16, snapshot.conf);
  return bytes;
}

/** The index that a snapshot message names. */
export function snapshotIndexOf(message: Uint8Array): number {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const contextBytes = view.getUint32(4, true) & messageFlag.hasContext ? 4 + view.getUint32(messageHeaderBytes, true) : 0;
  return getU64(view, messageHeaderBytes + contextBytes);
}

/** Bytes that a message of so many kept entries takes besides their payloads. */
export const messageOverheadBytes = (entries: number): number => prefixBytes + messageHeaderBytes + 4 + entries * entryHeadBytes;

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RangeError) throw new MalformedFrame("the frame ends early", { cause });
    throw cause;
  }
}

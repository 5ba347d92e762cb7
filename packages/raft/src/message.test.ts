import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confOf, MessageType } from "./contract.js";
import { Cursor, decodeConf, encodeConf, keptBit, setU64 } from "./layout.js";
import { decodeFrame, encodeFrame, keptEntries, MalformedFrame, snapshotIndexOf, withSnapshot } from "./message.js";
import { PayloadCache } from "./payloads.js";

interface Part {
  index: number;
  term: number;
  type: number;
  data: Uint8Array;
}

/** A message as core/wire.go writes it. */
function message(type: number, from: number, to: number, parts: Part[] = [], context = new Uint8Array()): Uint8Array {
  const head = new Uint8Array(72 + (context.length > 0 ? 4 + context.length : 0) + 4);
  const view = new DataView(head.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, context.length > 0 ? 2 : 0, true);
  [to, from, 7].forEach((value, i) => {
    setU64(view, 8 + 8 * i, value);
  });
  if (context.length > 0) {
    view.setUint32(72, context.length, true);
    head.set(context, 76);
  }
  view.setUint32(head.length - 4, parts.length, true);
  const entries = parts.map(({ index, term, type: kind, data }) => {
    const kept = kind === 0 && data.length > 0;
    const bytes = new Uint8Array(24 + (kept ? 0 : data.length));
    const entry = new DataView(bytes.buffer);
    setU64(entry, 0, index);
    setU64(entry, 8, term);
    entry.setUint32(16, kept ? kind + keptBit : kind, true);
    entry.setUint32(20, data.length, true);
    if (!kept) bytes.set(data, 24);
    return bytes;
  });
  return Uint8Array.from(Buffer.concat([head, ...entries]));
}

const parts = fc.array(
  fc.record({
    index: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    term: fc.nat(),
    type: fc.constantFrom(0, 0, 0, 2),
    data: fc.uint8Array({ maxLength: 50 }),
  }),
  { maxLength: 8 },
);
const kept = (all: Part[]) => all.filter(({ type, data }) => type === 0 && data.length > 0);

describe("frames", () => {
  test("carry the core's message untouched and every payload beside its entry", () => {
    fc.assert(
      fc.property(parts, fc.uint8Array({ maxLength: 20 }), (all, context) => {
        const original = message(MessageType.Append, 3, 4, all, context);
        const frame = decodeFrame(
          encodeFrame(
            original,
            kept(all).map(({ data }) => data),
          ),
        );
        expect(frame).toMatchObject({ type: MessageType.Append, from: 3, to: 4, term: 7 });
        expect(frame.message).toEqual(original);
        expect(frame.payloads).toEqual(kept(all).map(({ index, term, data }) => ({ index, term, data })));
        expect(keptEntries(original).map(({ size }) => size)).toEqual(kept(all).map(({ data }) => data.length));
      }),
    );
  });

  test("cut anywhere, or with one byte more, or of another version, they are malformed and nothing else", () => {
    fc.assert(
      fc.property(parts, (all) => {
        const frame = encodeFrame(
          message(MessageType.Append, 3, 4, all),
          kept(all).map(({ data }) => data),
        );
        for (let length = 0; length < frame.length; length++) expect(() => decodeFrame(frame.subarray(0, length))).toThrow(MalformedFrame);
        expect(() => decodeFrame(Uint8Array.from([...frame, 0]))).toThrow(MalformedFrame);
        expect(() => decodeFrame(Uint8Array.from([2, ...frame.subarray(1)]))).toThrow("version 2, this is for 1");
      }),
      { numRuns: 30 },
    );
  });

  test("random bytes are a frame or malformed, never another error and never slow", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decodeFrame(Uint8Array.from([1, ...bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrame);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a snapshot message names the snapshot that the host sends instead of the core's", () => {
    const conf = { ...confOf(1, 2), learners: [3] };
    const renamed = withSnapshot(message(MessageType.Snapshot, 1, 2), { index: 2 ** 40, term: 9, conf });
    expect(snapshotIndexOf(renamed)).toBe(2 ** 40);
    const cursor = new Cursor(renamed, 80);
    expect([cursor.u64(), cursor.conf()]).toEqual([9, conf]);
    expect(decodeFrame(encodeFrame(renamed))).toMatchObject({ type: MessageType.Snapshot, from: 1, to: 2 });
  });
});

describe("membership as bytes", () => {
  const ids = fc.array(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 9 });
  test("there and back", () => {
    fc.assert(
      fc.property(fc.record({ voters: ids, learners: ids, votersOutgoing: ids, learnersNext: ids, autoLeave: fc.boolean() }), (conf) => {
        expect(decodeConf(encodeConf(conf))).toEqual(conf);
      }),
    );
  });
  test("another version or more bytes are refused", () => {
    const bytes = encodeConf(confOf(1));
    expect(() => decodeConf(Uint8Array.from([9, ...bytes.subarray(1)]))).toThrow("membership has version 9");
    expect(() => decodeConf(Uint8Array.from([...bytes, 0]))).toThrow("trailing bytes");
  });
});

describe("payload cache", () => {
  const filled = (bytesMax: number, count: number) => {
    const cache = new PayloadCache(bytesMax);
    for (let index = 1; index <= count; index++) cache.put(index, 1, new Uint8Array(10));
    return cache;
  };
  test("keeps what is not applied, whatever the limit", () => {
    const cache = filled(50, 20);
    cache.trim(4);
    expect([cache.size, cache.get(4, 1), cache.get(5, 1)?.length]).toEqual([16, undefined, 10]);
  });
  test("keeps the newest of what is applied, up to the limit", () => {
    const cache = filled(50, 20);
    cache.trim(20);
    expect([cache.bytes, cache.get(15, 1), cache.get(16, 1)?.length]).toEqual([50, undefined, 10]);
    cache.trim(20, 0);
    expect([cache.bytes, cache.size]).toEqual([0, 0]);
  });
  test("a rewritten index has one term, and counts once", () => {
    const cache = filled(1000, 3);
    cache.put(2, 5, new Uint8Array(7));
    expect([cache.get(2, 1), cache.get(2, 5)?.length, cache.bytes]).toEqual([undefined, 7, 27]);
  });
});

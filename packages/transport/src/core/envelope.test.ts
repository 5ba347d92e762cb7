import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnvelopeReader, envelopeBytes } from "./envelope.js";
import { EnvelopeWriter } from "./envelope-writer.js";

const written = (messages: readonly Uint8Array[]): Buffer => {
  const writer = new EnvelopeWriter();
  for (const message of messages) writer.add(message);
  const { bytes, sent } = writer.take();
  const copy = Buffer.from(bytes);
  sent?.();
  return copy;
};
const read = (reader: EnvelopeReader, chunks: readonly Uint8Array[]): Buffer[] => {
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(Buffer.from(message));
  }
  return messages;
};

describe("envelopes", () => {
  it("are read alike wherever they are cut", () => {
    const messages = [Buffer.from("first"), Buffer.alloc(0), Buffer.from("the third"), Buffer.alloc(300, 7)];
    const bytes = written(messages);
    const wanted = messages.map((message) => message.toString("hex")).join(" ");
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b += 7) {
        const reader = new EnvelopeReader(1000);
        const got = read(reader, [bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)]).map((message) => message.toString("hex"));
        if (got.join(" ") !== wanted || !reader.clean || reader.held !== 0) expect.fail(`cut at ${a} and ${b}: ${got.join(" ")}`);
      }
    }
  });

  it("are read alike in chunks of any sizes, and nothing is held in the end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = written(messages);
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length]!;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          const reader = new EnvelopeReader(400);
          expect(read(reader, chunks)).toEqual(messages.map((m) => Buffer.from(m)));
          expect(reader.held).toBe(0);
        },
      ),
    );
  });

  it("hold what came, not what was announced", () => {
    const reader = new EnvelopeReader(16 * 1024 * 1024);
    reader.push(Buffer.from([0, 0, 0xff, 0xff, 0xff]));
    expect(reader.next()).toBeUndefined();
    for (let i = 0; i < 1000; i++) {
      reader.push(Buffer.from([1]));
      expect(reader.next()).toBeUndefined();
    }
    expect(reader.held).toBeLessThan(4096);
    expect(reader.clean).toBe(false);
    reader.drop();
    expect([reader.clean, reader.held]).toEqual([true, 0]);
  });

  it("count what tiny chunks cost while nobody takes them", () => {
    const reader = new EnvelopeReader(1000);
    for (let i = 0; i < 100; i++) reader.push(Buffer.from([0]));
    expect(reader.held).toBeGreaterThan(100 * 200);
  });

  it.each([
    ["too long", [0, 0, 0, 4, 1], "resource_exhausted"],
    ["four gigabytes", [0, 0xff, 0xff, 0xff, 0xff], "resource_exhausted"],
    ["compressed without an encoding", [1, 0, 0, 0, 1], "internal"],
    ["an end-of-stream flag", [2, 0, 0, 0, 0], "invalid_argument"],
    ["unknown flags", [0x80, 0, 0, 0, 0], "invalid_argument"],
  ])("refuse %s", (_name, header, code) => {
    const reader = new EnvelopeReader(1024);
    reader.push(Buffer.from(header));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code }));
  });

  it("are written in one piece, also large ones and those of several streams by turns", () => {
    const large = Buffer.alloc(200_000, 3);
    expect(written([Buffer.from("a"), large, Buffer.from("b")]).length).toBe(3 * envelopeBytes + 2 + large.length);
    const one = new EnvelopeWriter();
    const two = new EnvelopeWriter();
    for (let i = 0; i < 500; i++) (i % 2 === 0 ? one : two).add(Buffer.alloc(1000, i));
    for (const [writer, first] of [
      [one, 0],
      [two, 1],
    ] as const) {
      const reader = new EnvelopeReader(1000);
      const got = read(reader, [writer.take().bytes]);
      expect(got.map((message) => message.equals(Buffer.alloc(1000, message[0]!)) && message[0])).toEqual(
        Array.from({ length: 250 }, (_, i) => (first + 2 * i) & 0xff),
      );
    }
  });

  it("never share memory that is still being sent", () => {
    const pending: { bytes: Buffer; fill: number; sent: (() => void) | undefined }[] = [];
    for (let i = 0; i < 3000; i++) {
      const writer = new EnvelopeWriter();
      writer.add(Buffer.alloc(1000, i & 0xff));
      const { bytes, sent } = writer.take();
      pending.push({ bytes, fill: i & 0xff, sent });
      if (i % 3 !== 0) continue;
      const { bytes: oldest, fill, sent: done } = pending.splice(Math.floor(pending.length / 2), 1)[0]!;
      expect(oldest.subarray(5).every((byte) => byte === fill)).toBe(true);
      done?.();
    }
    for (const { bytes, fill } of pending) expect(bytes.subarray(5).every((byte) => byte === fill)).toBe(true);
  });
});

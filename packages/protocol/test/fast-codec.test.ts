// The fast codec against protobuf-es, both ways: the same verdict on the same bytes, the same values, the same bytes for the same values.
import { create, type DescMessage, getExtension, toBinary } from "@bufbuild/protobuf";
import { MessageOptionsSchema } from "@bufbuild/protobuf/wkt";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { message as messageRules } from "@corvo/gen/corvo/options/v1/options_pb.js";
import { describe, expect, test } from "vitest";
import { esDecode, fastDecode } from "./fast-codec/decode.js";
import { fastMessages, files } from "./fast-codec/messages.js";
import { factsOf } from "./fast-codec/oracle.js";
import { Dice, seedOf } from "./fast-codec/random.js";
import { delimited, init, mutated, soup, tag, varint } from "./fast-codec/soup.js";

const messages = [...fastMessages.values()];
const seed = seedOf();
const again = `run it again: CORVO_SEED=${seed} npx vitest run packages/protocol/test/fast-codec.test.ts`;
/** Of each kind, over all messages: about ten seconds in all. */
const rounds = Number(process.env.CORVO_ROUNDS ?? 40_000);

function attempt<T>(run: () => T): { value?: T; error?: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

const tally = { both: 0, neither: 0, overrun: 0, odd: 0 };

/** The heart: one input, two codecs, and what they may differ in. */
function compare(desc: DescMessage, list: readonly number[]): void {
  const bytes = Uint8Array.from(list);
  const es = attempt(() => esDecode(desc, bytes));
  const fast = attempt(() => fastDecode(desc, bytes));
  const story = () => `${desc.typeName} ${Buffer.from(bytes).toString("hex")}\n${again}`;
  if (fast.value === undefined && es.value === undefined) {
    tally.neither++;
    return;
  }
  if (es.value === undefined) {
    // Only where an earlier one of several message fields, strings or map entries is bad: such bytes are flagged and go through protobuf-es.
    if (fast.value?.hasUnknown !== true) throw new Error(`only protobuf-es refuses (${es.error}): ${story()}`);
    return;
  }
  const facts = factsOf(desc, bytes);
  if (fast.value === undefined) {
    tally.overrun++;
    if (!facts.overrun) throw new Error(`only the fast codec refuses (${fast.error}): ${story()}`);
    return;
  }
  tally.both++;
  if (facts.merged) {
    expect(fast.value.hasUnknown, story()).toBe(true);
    return; // only the last of them was looked at
  }
  if (facts.overrun) {
    // Only in an earlier one of several message fields, where protobuf-es may even swallow the later ones: flagged, goes through protobuf-es.
    if (!fast.value.hasUnknown) throw new Error(`the fast codec reads past an end: ${story()}`);
    return;
  }
  if (facts.odd) tally.odd++;
  if (fast.value.hasUnknown !== facts.odd) throw new Error(`hasUnknown is ${fast.value.hasUnknown}: ${story()}`);
  if (JSON.stringify(sorted(fast.value.plain)) !== JSON.stringify(sorted(es.value))) {
    expect(fast.value.plain, story()).toEqual(es.value);
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

describe(`fast codec and protobuf-es, ${messages.length} messages, ${again}`, () => {
  test("there is code for every message that asked for it", () => {
    const asking = files
      .flatMap((file) => file.messages)
      .filter((desc) => getExtension(desc.proto.options ?? create(MessageOptionsSchema), messageRules)?.fast);
    expect(asking.length).toBeGreaterThan(40);
    for (const desc of asking) expect(fastMessages.has(desc.typeName), desc.typeName).toBe(true);
  });

  test("every wire type for every field number, whole and cut short", () => {
    const bodies = [[], [1, 65], [2, 8, 1], [255, 255, 255, 255, 15], [...Array(9).fill(255), 1], [...Array(10).fill(128), 0], [0, 0, 0, 0, 0, 0, 240, 63]];
    for (const { desc } of messages) {
      const numbers = new Set([0, 1, 2, 15, 16, 117, 2047, 2048, 536870911, ...desc.fields.flatMap((field) => [field.number, field.number + 1])]);
      for (const no of numbers) for (let wireType = 0; wireType < 8; wireType++) for (const body of bodies) compare(desc, [...tag(no, wireType), ...body]);
    }
  });

  test("tags and lengths at their limits", () => {
    const queue = delimited([113]);
    for (const { desc } of messages) {
      for (let padding = 0; padding < 10; padding++) compare(desc, [...tag(1, 2, padding), ...queue]);
      for (const length of [0, 1, 2, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 35])
        compare(desc, [...tag(1, 2), ...varint(BigInt(length)), 113]);
      compare(desc, [0x8a, 0x80, 0x80, 0x80, 0x10, ...queue]); // a tag of 33 bits
    }
  });

  test("groups as deep as they may be, and one deeper", () => {
    for (const { desc } of messages) {
      for (const depth of [1, 97, 98, 99, 100, 101]) {
        const groups = [...Array(depth).fill(tag(900, 3)).flat(), ...Array(depth).fill(tag(900, 4)).flat()];
        compare(desc, groups);
        for (const field of desc.fields) {
          if (field.message && field.fieldKind !== "map") compare(desc, [...tag(field.number, 2), ...delimited(groups)]);
          if (field.fieldKind === "map") compare(desc, [...tag(field.number, 2), ...delimited([...tag(2, 2), ...delimited(groups)])]);
        }
      }
    }
  });

  test("random soups and their mutations", () => {
    const dice = new Dice(seed);
    for (let i = 0; i < rounds; i++) {
      const { desc } = messages[i % messages.length];
      const bytes = soup(dice, desc);
      compare(desc, bytes);
      if (bytes.length > 0) compare(desc, mutated(dice, bytes));
    }
    console.log(`fast codec: ${JSON.stringify(tally)}; ${again}`);
    // The generator is of no use when nearly everything is refused, or nothing is.
    if (rounds >= 10_000) for (const count of Object.values(tally)) expect(count).toBeGreaterThan(100);
  });

  test("random values: the same bytes as protobuf-es, and back", () => {
    const dice = new Dice(seed + 1);
    const w = new Writer(16);
    for (let i = 0; i < rounds / 10; i++) {
      const { desc, encode } = messages[i % messages.length];
      const values = init(dice, desc);
      w.reset();
      const prefix = dice.below(3);
      w.ensure(prefix);
      w.pos = prefix;
      encode(w, values);
      const bytes = w.copy(prefix);
      const expected = toBinary(desc, create(desc, values));
      if (Buffer.compare(bytes, expected) !== 0)
        throw new Error(`${desc.typeName}: ${Buffer.from(bytes).toString("hex")} is not ${Buffer.from(expected).toString("hex")}\n${again}`);
      const decoded = fastDecode(desc, bytes);
      if (decoded.hasUnknown) throw new Error(`${desc.typeName}: hasUnknown after encoding\n${again}`);
      expect(sorted(decoded.plain), again).toEqual(sorted(esDecode(desc, bytes)));
    }
  });
});

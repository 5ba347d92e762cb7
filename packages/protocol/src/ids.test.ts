import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatJobId, isJobTime, JobIdReader, jobIdBytes, parseJobId, putJobId } from "./ids.js";

const times = fc.integer({ min: 0, max: 18_446_744_073_709 });
const sequences = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("job ids", () => {
  test("golden", () => {
    expect(formatJobId(0, 0)).toBe("job_00000000000000000000000000");
    expect(formatJobId(1_700_000_000_000, 1)).toBe("job_17979cfe362a00000000000001");
    expect(formatJobId(1_700_000_000_001, 2 ** 40 + 0xabc)).toBe("job_17979cfe363942400000000abc");
    expect(formatJobId(18_446_744_073_709, 2 ** 40 - 1)).toBe("job_fffffffffff79540ffffffffff");
  });

  test("are the nanoseconds and the low 40 bits of the sequence, whatever these are", () => {
    fc.assert(
      fc.property(times, sequences, (ms, seq) => {
        const id = formatJobId(ms, seq);
        expect(id).toBe(`job_${(BigInt(ms) * 1_000_000n).toString(16).padStart(16, "0")}${(BigInt(seq) % 2n ** 40n).toString(16).padStart(10, "0")}`);
        expect(parseJobId(id)).toEqual({ createdMs: ms, seq40: Number(BigInt(seq) % 2n ** 40n) });
      }),
    );
  });

  test("are written and read in the middle of a buffer", () => {
    const buf = new Uint8Array(40).fill(0xee);
    putJobId(buf, 5, 1_700_000_000_000, 77);
    expect(buf.slice(0, 5)).toEqual(new Uint8Array(5).fill(0xee));
    expect(buf.slice(35)).toEqual(new Uint8Array(5).fill(0xee));
    const reader = new JobIdReader();
    expect(reader.read(buf, 5, 5 + jobIdBytes)).toBe(true);
    expect([reader.createdMs, reader.seq40]).toEqual([1_700_000_000_000, 77]);
  });

  test("sort like their creation", () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(formatJobId(a, 1) < formatJobId(b, 1)).toBe(a < b);
      }),
    );
  });

  test.each([
    "",
    "job_",
    "job_17979cfe362a0000000000001", // one digit short
    "job_17979cfe362a000000000000010", // one too many
    "jox_17979cfe362a00000000000001",
    "job_17979CFE362A00000000000001", // upper case
    "job_17979cfe362a0000000000000g",
    "job_g7979cfe362a00000000000001",
    "job_17979cfe362a0000g000000001",
    "job_17979cfe362a00010000000001", // a nanosecond that is no whole millisecond
    "s01_job_17979cfe362a0000000001",
    "job_17979cfe362a0000000000000é",
  ])("%s is none of ours", (id) => {
    expect(parseJobId(id)).toBeUndefined();
    const bytes = new TextEncoder().encode(id);
    expect(new JobIdReader().read(bytes, 0, bytes.length)).toBe(false);
  });

  test("times that fit", () => {
    expect([0, 1_700_000_000_000, 18_446_744_073_709].map(isJobTime)).toEqual([true, true, true]);
    expect([-1, 0.5, Number.NaN, 18_446_744_073_710].map(isJobTime)).toEqual([false, false, false, false]);
  });
});

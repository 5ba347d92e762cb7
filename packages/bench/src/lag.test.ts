import { expect, test } from "vitest";
import { Lag } from "./lag.js";

test("the lag is the age of the oldest entry that the view has not seen", () => {
  const lag = new Lag();
  lag.take(0, 100, 0);
  lag.take(1000, 200, 50); // 151 was applied at about 510
  expect(lag.worstMs).toBeCloseTo(490, 0);
  lag.take(2000, 300, 150); // still 151, now 1,490 old
  expect(lag.worstMs).toBeCloseTo(1490, 0);
  lag.take(3000, 300, 0);
  expect({ late: lag.late, samples: lag.samples }).toEqual({ late: 1, samples: 4 });
});

import { expect, test } from "vitest";
import { FairShare } from "./fair-share.js";
import type { CommandInput } from "./turn.js";

const command = (client: string | undefined, n = 0, bytes = 200): CommandInput => ({
  verb: n,
  flags: 0,
  namespace: "",
  principal: "",
  requestHash: undefined,
  body: new Uint8Array(bytes),
  client,
});

/** A node in virtual time: an entry takes a sync of 1,000 µs and 4 µs a command; commands come in, entries go out one after the other. */
function latencies(flood: number, fair: FairShare | undefined): number[] {
  const found: number[] = [];
  let nowUs = 0;
  let entry: { client: string | undefined; sinceUs: number }[] = [];
  const submit = (client: string): void => {
    const one = command(client);
    if (!fair || fair.admit(one, undefined, nowUs / 1000)) entry.push({ client, sinceUs: nowUs });
    else waitingSince.push([client, nowUs]);
  };
  const waitingSince: [string, number][] = [];
  for (let round = 0; round < 100; round++) {
    if (round === 3) found.length = 0; // until another one is there, the first one is alone and not held up
    // The flooding client has so many calls open at a time; the other sends one now and then.
    const open = entry.filter(({ client }) => client === "flood").length + waitingSince.length;
    for (let i = open; i < flood; i++) submit("flood");
    submit("calm");
    const going = entry;
    entry = [];
    fair?.next(nowUs / 1000, (one) => {
      const at = waitingSince.findIndex(([client]) => client === one.client);
      entry.push({ client: one.client, sinceUs: waitingSince.splice(at, 1)[0][1] });
    });
    nowUs += 1000 + going.length * 4;
    for (const { client, sinceUs } of going) if (client === "calm") found.push(nowUs - sinceUs);
  }
  return found.sort((a, b) => a - b);
}
const p99 = (values: number[]): number => values[Math.floor(values.length * 0.99)];

test("while one client floods, another one's p99 less than doubles; without shares it would not", () => {
  const calm = p99(latencies(0, new FairShare(200)));
  expect(p99(latencies(2_000, new FairShare(200)))).toBeLessThan(2 * calm);
  expect(p99(latencies(2_000, undefined))).toBeGreaterThan(5 * calm);
});

test("who is alone is not held up; commands without a client never are", () => {
  const fair = new FairShare(2);
  for (let i = 0; i < 10; i++) expect(fair.admit(command("a"), undefined, 0)).toBe(true);
  for (let i = 0; i < 10; i++) expect(fair.admit(command(undefined), undefined, 0)).toBe(true);
});

test("a client's commands stay in their order; lines are served in turns; who is gone frees its place", () => {
  const fair = new FairShare(2);
  const went: string[] = [];
  const say = (one: CommandInput): void => void went.push(`${one.client}${one.verb}`);
  for (let n = 0; n < 2; n++) fair.admit(command("b", n), undefined, 0);
  for (let n = 0; n < 5; n++) if (fair.admit(command("a", n), undefined, 0)) say(command("a", n));
  for (let n = 2; n < 5; n++) fair.admit(command("b", n), undefined, 0);
  expect(went).toEqual(["a0", "a1"]);
  expect([fair.waiting, fair.waitingOf("a"), fair.waitingOf("b")]).toEqual([6, 3, 3]);
  fair.next(0, say);
  expect(went.slice(2)).toEqual(["b2", "a2", "b3", "a3"]);
  fair.next(0, say);
  expect(went.slice(6)).toEqual(["b4", "a4"]);
  expect(fair.waiting).toBe(0);
  fair.next(5_000, say);
  for (let n = 0; n < 5; n++) expect(fair.admit(command("a", n), undefined, 5_000)).toBe(true);
});

test("bytes count too", () => {
  const fair = new FairShare(1000, 10_000);
  fair.admit(command("b"), undefined, 0);
  expect(fair.admit(command("a", 0, 9_999), undefined, 0)).toBe(true);
  expect(fair.admit(command("a", 1, 9_999), undefined, 0)).toBe(true);
  expect(fair.admit(command("a", 2, 1), undefined, 0)).toBe(false);
});

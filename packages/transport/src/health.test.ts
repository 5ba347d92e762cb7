import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@corvo/gen/health/v1/health_pb.js";
import { expect, test } from "vitest";
import { createHealth } from "./health.js";
import type { Call, ServerStreamHandler, UnaryHandler } from "./rpc.js";

const name = "corvo.v1.WorkerService";
const request = (service: string): Uint8Array => toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));

function unary(health: ReturnType<typeof createHealth>, method: string, bytes: Uint8Array): Uint8Array {
  const handler = health.routes.find((r) => r.method.name === method)?.handler as UnaryHandler;
  return handler.handle({} as Call, bytes) as Uint8Array;
}
const check = (health: ReturnType<typeof createHealth>, service: string): Status =>
  fromBinary(HealthCheckResponseSchema, unary(health, "Check", request(service))).status;

/** A watch whose answers are taken one by one. */
function watch(health: ReturnType<typeof createHealth>, service: string) {
  const answers: Status[] = [];
  let arrived = (): void => {};
  let abort = (): void => {};
  const call = { aborted: false, onAbort: (run: () => void) => (abort = run) };
  const handler = health.routes.find((r) => r.method.name === "Watch")?.handler as ServerStreamHandler;
  let slow: Promise<void> | undefined;
  const send = (message: Uint8Array): Promise<void> | undefined => {
    answers.push(fromBinary(HealthCheckResponseSchema, message).status);
    arrived();
    return slow;
  };
  const done = handler.handle(call as unknown as Call, request(service), { send, end: () => {} });
  return {
    answers,
    done,
    async until(count: number): Promise<void> {
      while (answers.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    },
    hold(until: Promise<void> | undefined): void {
      slow = until;
    },
    leave(): void {
      call.aborted = true;
      abort();
    },
  };
}

test("nothing serves before it is said", () => {
  const health = createHealth([name]);
  expect([check(health, ""), check(health, name)]).toEqual([Status.NOT_SERVING, Status.NOT_SERVING]);
  health.set(true);
  expect([check(health, ""), check(health, name)]).toEqual([Status.SERVING, Status.SERVING]);
  health.setService(name, false);
  expect([check(health, ""), check(health, name)]).toEqual([Status.SERVING, Status.NOT_SERVING]);
});

test("an unknown service is not found, a message that is none is refused", () => {
  const health = createHealth([name]);
  expect(() => check(health, "x.Y")).toThrow('service "x.Y" is not known here');
  expect(() => unary(health, "Check", Uint8Array.of(0x0a, 9))).toThrow("not a HealthCheckRequest");
  expect(() => health.setService("x.Y", true)).toThrow("no service x.Y");
});

test("List tells all", () => {
  const health = createHealth([name]);
  health.set(true);
  const { statuses } = fromBinary(HealthListResponseSchema, unary(health, "List", new Uint8Array(0)));
  expect(Object.entries(statuses).map(([k, v]) => [k, v.status])).toEqual([
    ["", Status.SERVING],
    [name, Status.SERVING],
  ]);
});

test("Watch tells the state at once, then changes, and ends with its caller", async () => {
  const health = createHealth([name]);
  const one = watch(health, name);
  await one.until(1);
  health.set(true);
  await one.until(2);
  health.set(true);
  health.set(false);
  await one.until(3);
  one.leave();
  await one.done;
  expect(one.answers).toEqual([Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
  health.set(true);
  expect(one.answers).toHaveLength(3);
});

test("Watch of an unknown service says so and stays open", async () => {
  const health = createHealth([name]);
  const one = watch(health, "x.Y");
  await one.until(1);
  health.set(true);
  one.leave();
  await one.done;
  expect(one.answers).toEqual([Status.SERVICE_UNKNOWN]);
});

test("a slow reader gets the last state, not every one", async () => {
  const health = createHealth([name]);
  let go = (): void => {};
  const one = watch(health, name);
  await one.until(1);
  one.hold(new Promise((resolve) => (go = resolve)));
  health.set(true);
  await one.until(2);
  for (let i = 0; i < 10; i++) health.set(i % 2 === 0);
  one.hold(undefined);
  go();
  await one.until(3);
  one.leave();
  await one.done;
  expect(one.answers).toEqual([Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
});

import type { WebhookDeliveryRecord, WebhookRecord } from "@corvo/engine";
import { expect, test } from "vitest";
import { headersOf } from "./sign.js";

const body = Buffer.from('{"test": 2432232314}');
const signed = (secret: string): Record<string, string> =>
  headersOf(
    { id: "wh_1", secret, namespace: "" } as WebhookRecord,
    { eventId: "msg_p5jXN8AQM9LWM0D4loKWxJek", type: "completed" } as WebhookDeliveryRecord,
    body,
    1614265330_999,
  );

test("a secret that the server made signs as the libraries of Standard Webhooks check: their example", () => {
  expect(signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).toMatchObject({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("any other secret is the key as it stands", () => {
  const texts = ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "s3cret", "whsec_not base64!", "whsec_"].map((secret) => signed(secret)["webhook-signature"]);
  expect(new Set(texts).size).toBe(4);
  expect(texts).not.toContain("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  expect(signed("")).not.toHaveProperty("webhook-signature");
});

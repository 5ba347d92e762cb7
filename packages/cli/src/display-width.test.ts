import { expect, test } from "vitest";
import { displayWidth } from "./display-width.js";

test.each([
  ["", 0],
  ["emails.send", 11],
  ["größe", 5],
  ["e\u0301", 1],
  ["ﾊﾝｶｸ", 4],
  ["邮件.发送", 9],
  ["메일", 4],
  ["🚀x", 3],
  ["●", 1],
  ["…", 1],
])("%j takes %i columns", (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

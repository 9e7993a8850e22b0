import { expect, test } from "vitest";
import { backoffMs } from "../src/backoff.js";

test("a pause doubles with each failure up to its bound, and at most half of it is taken off", () => {
  expect([1, 2, 3, 4, 5, 99].map((failures) => backoffMs(failures, 100, 1_000, () => 0))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backoffMs(2, 100, 1_000, () => 1)).toBe(100);
  expect(new Set(Array.from({ length: 20 }, () => backoffMs(3, 100, 1_000))).size).toBeGreaterThan(1);
});

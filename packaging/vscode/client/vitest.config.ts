import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000, // generous: nothing asserts a time, this only ends a test that hangs
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});

import { expect, test } from "vitest";
import { MemoryQueueStore } from "../src/index.js";
import type { QueuedWrite } from "../src/index.js";
import { OfflineQueue } from "../src/offline-queue.js";
import { eventually } from "./daemon.js";

test("a write whose owner becomes known only after another user has logged in waits for its owner", async () => {
  const sent: QueuedWrite[] = [];
  let loggedIn = "other";
  let asked = 0;
  const queue = new OfflineQueue({
    store: new MemoryQueueStore(),
    ready: () => {
      asked += 1;
      return Promise.resolve(loggedIn);
    },
    send: (write) => {
      sent.push({ ...write });
      return Promise.resolve({ status: 200, headers: {}, content: undefined });
    },
    now: Date.now,
    closing: new AbortController().signal,
  });
  let known!: (userId: string) => void;
  const owner = new Promise<string>((resolve) => (known = resolve));
  const write = { key: "k", method: "POST", path: "/k", headers: {} } as const;
  const waiting = queue.add({ ...write }, owner);
  const others = queue.add({ ...write, key: "l" }, Promise.resolve("other"));
  await eventually(() => asked > 0);
  known("owner");
  await others.settled;
  expect(sent).toMatchObject([{ key: "l", userId: "other" }]);
  expect(queue.size).toBe(1);
  loggedIn = "owner";
  await eventually(() => {
    queue.wake();
    return queue.size === 0;
  });
  await waiting.settled;
  expect(sent).toMatchObject([{ key: "l" }, { key: "k", userId: "owner" }]);
});

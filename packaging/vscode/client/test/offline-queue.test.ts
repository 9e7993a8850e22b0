import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { FileQueueStore, MemoryQueueStore, UnavailableError, connect } from "../src/index.js";
import type { QueuedWrite, Refusal, Tried } from "../src/index.js";
import { OfflineQueue } from "../src/offline-queue.js";
import type { QueueOptions } from "../src/offline-queue.js";
import { LostError } from "../src/transport/http.js";
import { problemOf } from "../src/transport/problem.js";
import { eventually } from "./daemon.js";

const write = { key: "k", method: "POST", path: "/k", headers: {} } as const;
const done = { status: 200, headers: {}, content: undefined };

function queueOf(send: QueueOptions["send"], store = new MemoryQueueStore()): OfflineQueue {
  const ready = (): Promise<string> => Promise.resolve("u");
  return new OfflineQueue({ store, ready, send, now: Date.now, closing: new AbortController().signal });
}

/** A store, and what it was told of tries. */
function noting(): { store: MemoryQueueStore; noted: (Tried | null)[] } {
  const noted: (Tried | null)[] = [];
  const store = new MemoryQueueStore();
  store.tried = (...[, as]: [string?, (Tried | null)?]) => Promise.resolve(void noted.push(as!));
  return { store, noted };
}

test("writes are stored in the order of their calls, however late it is known whose each is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sidecar-queue-"));
  let reads = 0;
  const tokens = {
    read: async () => {
      await sleep(20 - 4 * reads++); // the later, the faster
      return '{"kind":"paired","user_id":"u"}';
    },
    write: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const path = join(folder, "writes.jsonl");
  const client = connect({ tokens, writes: new FileQueueStore(path), environment: { SIDECAR_HOME: folder } });
  await Promise.all([0, 1, 2, 3, 4].map((n) => client.settings.set("editor", `k${n}`, n)));
  expect(await client.close()).toBe(5);
  const again = new FileQueueStore(path);
  const stored = await again.load();
  await again.close();
  expect(stored.map((each) => each.path.slice(-2))).toEqual(["k0", "k1", "k2", "k3", "k4"]);
  rmSync(folder, { recursive: true });
});

test("a write that is withdrawn before it is known whose it is never comes to the store", async () => {
  const stored: string[] = [];
  const store = new MemoryQueueStore();
  store.add = (...[each]: QueuedWrite[]) => Promise.resolve(void stored.push(each!.key));
  const queue = queueOf(() => Promise.resolve(done), store);
  let known!: (userId: string) => void;
  const waiting = queue.add({ ...write }, new Promise((resolve) => (known = resolve)));
  expect(queue.withdraw(waiting, problemOf(400, {}))).toBe(true);
  known("u");
  await waiting.kept;
  await queue.add({ ...write, key: "l" }, Promise.resolve("u")).settled;
  expect(stored).toEqual(["l"]);
});

test("what was never sent can be withdrawn while it is tried, and is as before to the store", async () => {
  const { store, noted } = noting();
  let refuse!: () => void;
  const connecting = new Promise<never>((_, reject) => {
    refuse = (): void => {
      reject(new LostError("http://127.0.0.1:9", new Error("refused"), true));
    };
  });
  const queue = queueOf(({ key }) => (key === "k" ? connecting : Promise.resolve(done)), store);
  const waiting = queue.add({ ...write }, Promise.resolve("u"));
  await eventually(() => waiting.write.triedAtMs !== undefined);
  expect(queue.withdraw(waiting, problemOf(400, { detail: "withdrawn" }))).toBe(false); // it may just leave
  const next = queue.add({ ...write, key: "l" }, Promise.resolve("u"));
  refuse();
  await expect(waiting.settled).rejects.toThrow("withdrawn");
  await next.settled;
  expect(queue.size).toBe(0);
  expect(noted).toHaveLength(2);
});

test.each([
  ["the daemon was busy with the record", 409, "busy"],
  ["the daemon had no room", 503, "unavailable"],
  ["there were too many", 429, "rate_limited"],
])("a write is tried again as if for the first time when %s", async (_, status, code) => {
  const { store, noted } = noting();
  let sent = 0;
  const queue = queueOf((_write, trace) => {
    trace.sent();
    if (++sent > 1) return Promise.resolve(done);
    trace.refused();
    return Promise.reject(problemOf(status, { code, details: { retry_after_seconds: 0 } }));
  }, store);
  const refused: Refusal[] = [];
  queue.refused.add((each) => refused.push(each));
  await queue.add({ ...write }, Promise.resolve("u")).settled;
  expect(sent).toBe(2);
  expect(refused).toEqual([]);
  expect(noted.map((each) => each === null)).toEqual([false, true, false]);
});

test("a write that was cut off stays noted as tried", async () => {
  const { store, noted } = noting();
  let sent = 0;
  const queue = queueOf((_write, trace) => {
    if (++sent === 1) trace.sent();
    if (sent > 2) return Promise.resolve(done);
    return Promise.reject(new LostError("http://127.0.0.1:9", new Error("reset"), sent === 2));
  }, store);
  await queue.add({ ...write }, Promise.resolve("u")).settled;
  expect(noted).toHaveLength(1);
});

test("a store that could not be read is asked again by the next write", async () => {
  const store = new MemoryQueueStore();
  let asked = 0;
  store.load = () => (++asked === 1 ? Promise.reject(new Error("EMFILE")) : Promise.resolve([{ ...write }]));
  const sent: string[] = [];
  const queue = queueOf(({ key }) => Promise.resolve(void sent.push(key)).then(() => done), store);
  const refused = queue.add({ ...write, key: "l" }, Promise.resolve("u"));
  await expect(refused.settled).rejects.toBeInstanceOf(UnavailableError);
  await expect(refused.kept).rejects.toThrow("The write can not be kept: EMFILE");
  await queue.add({ ...write, key: "m" }, Promise.resolve("u")).settled;
  expect(sent).toEqual(["k", "m"]);
  expect(asked).toBe(2);
});

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
      return Promise.resolve(done);
    },
    now: Date.now,
    closing: new AbortController().signal,
  });
  let known!: (userId: string) => void;
  const owner = new Promise<string>((resolve) => (known = resolve));
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

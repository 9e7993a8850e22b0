/** The daemon goes away, comes back, hangs, ends: nothing is lost, duplicated or out of order, and nobody waits. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  CancelledError,
  ClosedError,
  LimitExceededError,
  MemoryQueueStore,
  NotFoundError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
} from "../src/index.js";
import type { Change, Refusal, SidecarClient } from "../src/index.js";
import { callMsMax } from "../src/limits.js";
import { Daemon, eventually } from "./daemon.js";

let daemon: Daemon;
let client: SidecarClient;

beforeEach(async () => {
  daemon = new Daemon();
  await daemon.start();
  client = daemon.client();
  await client.ready();
});
afterEach(() => daemon.remove());

async function contentsOf(id: string): Promise<string[]> {
  const found: string[] = [];
  for await (const each of client.llm.allMessages(id)) found.push(each.content);
  return found;
}

function text(n: number): { role: "user"; content: string } {
  return { role: "user", content: `message ${n}` };
}

async function goneAway(): Promise<void> {
  await daemon.kill();
  await client.users.me().catch(() => undefined);
  await eventually(() => client.status.state === "away");
}

test("kill -9 while writes are under way and queued loses, duplicates and reorders nothing", async () => {
  const { id } = await client.llm.create({ ai_provider: "x", title: "Kill" });
  const count = 300;
  const saved: Promise<{ queued: boolean }>[] = [];
  for (let n = 0; n < count; n += 1) {
    saved.push(client.llm.addMessage(id, text(n), { timeoutMs: 60_000 }));
    if (n % 60 === 30) {
      await saved[n - 5]; // some of it is done, some is on its way, some waits
      void daemon.kill().then(() => daemon.start()); // on another port
      await eventually(() => client.status.state === "away");
    }
    if (n % 60 === 50) await client.ready({ timeoutMs: 60_000 });
  }
  const outcomes = await Promise.all(saved);
  expect(outcomes.some((each) => each.queued)).toBe(true);
  expect(outcomes.some((each) => !each.queued)).toBe(true);
  await client.connection.queue.drained();
  expect(await contentsOf(id)).toEqual(Array.from({ length: count }, (_, n) => text(n).content));
  expect(await client.llm.counts(id)).toMatchObject({ messages: count });
});

test("each delayed save is done once, whatever version it leads to", async () => {
  const session = await client.sessions.create({ name: "s", workspace_path: daemon.workspace });
  const saves: Promise<unknown>[] = [];
  for (let n = 1; n <= 40; n += 1) {
    saves.push(client.sessions.save(session.id, { git_branch: `branch-${n}` }, { timeoutMs: 60_000 }));
    if (n === 20) await daemon.kill();
  }
  await Promise.all(saves);
  await daemon.start();
  await client.ready({ timeoutMs: 60_000 });
  await client.connection.queue.drained();
  expect(await client.sessions.get(session.id)).toMatchObject({
    git_branch: "branch-40",
    version: session.version + 40,
  });
});

test("a call that was cut off by kill -9 is repeated under its key, and done once", async () => {
  const keys = Array.from({ length: 16 }, (_, n) => `key-${n}`);
  const create = (key: string): Promise<unknown> =>
    client.sessions.create({ name: key, workspace_path: "/killed" }, { idempotencyKey: key });
  const cut = keys.map(create);
  await Promise.any(cut);
  await daemon.kill();
  const outcomes = await Promise.allSettled(cut);
  for (const each of outcomes) if (each.status === "rejected") expect(each.reason).toBeInstanceOf(UnavailableError);
  await daemon.start();
  await client.ready({ timeoutMs: 60_000 });
  await Promise.all(keys.map(create));
  const { items } = await client.sessions.list({ workspace_path: "/killed" });
  expect(items.map((each) => each.name).sort()).toEqual([...keys].sort());
});

test("while the daemon is away reads say so at once, and writes that may be delayed wait", async () => {
  const { id } = await client.llm.create({ ai_provider: "x", title: "Away" });
  await goneAway();
  const reads = [client.users.me(), client.llm.get(id), client.settings.find("a", "b"), client.files.get(id)];
  for (const each of reads) {
    await expect(each).rejects.toBeInstanceOf(UnavailableError);
    await expect(each).rejects.toMatchObject({ code: "unavailable" });
  }
  await expect(client.sessions.create({ name: "x", workspace_path: "/x" })).rejects.toBeInstanceOf(UnavailableError);
  const delayed = [
    await client.llm.addMessage(id, text(0)),
    await client.settings.set("editor", "tabs", 2),
    await client.settings.set("editor", "tabs", 4),
    await client.llm.addMessage(id, text(1)),
    await client.settings.set("editor", "gone", true),
    await client.settings.remove("editor", "gone"),
  ];
  expect(delayed.every((each) => each.queued)).toBe(true);
  expect(client.queued).toBe(6);
  await daemon.start();
  const records = await Promise.all(delayed.map(async (each) => (each.queued ? each.settled : undefined)));
  expect(records[0]).toMatchObject({ content: "message 0" });
  expect(records[2]).toMatchObject({ value: 4, version: 2 });
  expect(await contentsOf(id)).toEqual(["message 0", "message 1"]);
  expect(await client.settings.find("editor", "gone")).toBeUndefined();
  expect(client.queued).toBe(0);
});

test("a delayed write that the daemon refuses is told of, and does not hold up the next", async () => {
  const refused: Refusal[] = [];
  client.onRefused((each) => refused.push(each));
  await goneAway();
  const bad = await client.sessions.save("01900000-0000-7000-8000-000000000000", { name: "nowhere" });
  const good = await client.settings.set("editor", "tabs", 4);
  await daemon.start();
  await client.connection.queue.drained();
  await expect(bad.queued && bad.settled).rejects.toBeInstanceOf(NotFoundError);
  expect(await (good.queued && good.settled)).toMatchObject({ value: 4 });
  expect(refused).toMatchObject([{ write: { method: "PATCH" }, error: { code: "not_found" } }]);
});

test("the queue is bounded", async () => {
  await goneAway();
  const value = "x".repeat(8_000_000);
  for (let n = 0; n < 8; n += 1) await client.settings.set("editor", `k${n}`, value);
  const over = client.settings.set("editor", "k8", value);
  await expect(over).rejects.toBeInstanceOf(LimitExceededError);
  await expect(over).rejects.toMatchObject({ code: "queue_full" });
  await expect(client.settings.set("editor", "k9", value + value)).rejects.toBeInstanceOf(LimitExceededError);
  expect(client.queued).toBe(8);
});

test("a write that waits is cancelled by its signal, and never sent", async () => {
  await goneAway();
  const abort = new AbortController();
  await client.settings.set("editor", "first", 1);
  const cancelled = await client.settings.set("editor", "never", 1, { signal: abort.signal });
  await expect(client.settings.set("editor", "no", 1, { signal: AbortSignal.abort() })).rejects.toThrow("cancelled");
  expect(client.queued).toBe(2);
  abort.abort();
  await expect(cancelled.queued && cancelled.settled).rejects.toBeInstanceOf(CancelledError);
  expect(client.queued).toBe(1);
  await daemon.start();
  await client.connection.queue.drained();
  expect(await client.settings.find("editor", "first")).toBe(1);
  expect(await client.settings.find("editor", "never")).toBeUndefined();
});

test("a write whose connection was refused was not sent: it can be cancelled, and waits as long as any other", async () => {
  let ahead = 0;
  const late = daemon.client({ name: "late", now: () => Date.now() + ahead });
  await late.settings.set("editor", "warm", 1);
  await daemon.kill(); // which the client has not noticed yet
  const abort = new AbortController();
  const cancelled = await late.settings.set("editor", "cancelled", 1, { signal: abort.signal });
  const saved = await late.settings.set("editor", "saved", 1);
  expect(late.queued).toBe(2);
  abort.abort();
  await expect(cancelled.queued && cancelled.settled).rejects.toBeInstanceOf(CancelledError);
  ahead = 24 * 3_600_000; // the next day
  await daemon.start();
  expect(await (saved.queued && saved.settled)).toMatchObject({ value: 1 });
  expect(await late.settings.find("editor", "cancelled")).toBeUndefined();
});

test("a write is cancelled while its store keeps it, and after its call's time is over nothing is kept", async () => {
  class SlowStore extends MemoryQueueStore {
    readonly begun: (() => void)[] = [];
    #last = Promise.resolve();
    override add(): Promise<void> {
      this.#last = new Promise((resolve) => this.begun.push(resolve));
      return this.#last;
    }
    override done(): Promise<void> {
      return this.#last; // behind what it was given before
    }
  }
  const store = new SlowStore();
  const slow = daemon.client({ name: "slow", writes: store });
  await slow.ready();
  await daemon.kill();
  await slow.users.me().catch(() => undefined);
  await eventually(() => slow.status.state === "away");
  const abort = new AbortController();
  const cancelled = slow.settings.set("editor", "cancelled", 1, { signal: abort.signal });
  await eventually(() => store.begun.length === 1);
  abort.abort();
  await expect(cancelled).rejects.toBeInstanceOf(CancelledError);
  await expect(slow.settings.set("editor", "late", 1, { timeoutMs: 50 })).rejects.toBeInstanceOf(TimeoutError);
  expect(slow.queued).toBe(0);
  const kept = slow.settings.set("editor", "kept", 1);
  await eventually(() => store.begun.length === 3);
  for (const each of store.begun) each();
  expect(await kept).toMatchObject({ queued: true });
  await daemon.start();
  await slow.ready({ timeoutMs: 60_000 });
  await slow.connection.queue.drained();
  expect(await slow.settings.find("editor", "cancelled")).toBeUndefined();
  expect(await slow.settings.find("editor", "late")).toBeUndefined();
  expect(await slow.settings.find("editor", "kept")).toBe(1);
});

test("a client is closed though its store hangs, and what it was to keep is told of", async () => {
  const store = new MemoryQueueStore();
  store.add = () => new Promise(() => undefined);
  const hung = daemon.client({ name: "hung", writes: store });
  await hung.ready();
  const write = hung.settings.set("editor", "hung", 1, { timeoutMs: 60_000 });
  const told = expect(write).rejects.toBeInstanceOf(ClosedError);
  expect(await hung.close({ timeoutMs: 50 })).toBe(1);
  await told;
});

test("a client that is closed at once waits for what its store has, and counts it", async () => {
  await goneAway();
  const left = Array.from({ length: 3 }, (_, n) => {
    const headers = { "Idempotency-Key": `left-${n}` };
    const path = `/api/v5/settings/left/k${n}`;
    return { key: `left-${n}`, method: "PUT", path, headers, body: '{"value":1}' } as const;
  });
  const storeOfLeft = (): MemoryQueueStore => {
    const store = new MemoryQueueStore();
    store.load = () => sleep(50, left);
    return store;
  };
  expect(await daemon.client({ writes: storeOfLeft() }).close()).toBe(3);
  expect(await daemon.client({ writes: storeOfLeft() }).close({ timeoutMs: 0 })).toBe(3);
  await daemon.start();
  expect(await daemon.client({ writes: storeOfLeft() }).close({ timeoutMs: 10 * callMsMax })).toBe(0);
  await client.ready({ timeoutMs: 60_000 });
  expect(await client.settings.find("left", "k2")).toBe(1);
});

test("a daemon that hangs keeps nobody waiting longer than asked", async () => {
  daemon.signal("SIGSTOP");
  await expect(client.users.me({ timeoutMs: 200 })).rejects.toBeInstanceOf(TimeoutError);
  expect(await client.settings.set("editor", "tabs", 4, { timeoutMs: 200 })).toMatchObject({ queued: true });
  const abort = new AbortController();
  const cancelled = client.users.me({ signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
  await eventually(() => client.status.state === "away"); // it does not prove itself either
  await expect(client.users.me()).rejects.toBeInstanceOf(UnavailableError);
  daemon.signal("SIGCONT");
  await client.ready({ timeoutMs: 60_000 });
  await client.connection.queue.drained();
  expect(await client.settings.find("editor", "tabs")).toBe(4);
});

test("who is logged out has writes neither sent nor silently kept; what waited before is sent at the next login", async () => {
  await goneAway();
  const waiting = await client.settings.set("editor", "tabs", 4);
  await client.users.logout().catch(() => undefined);
  await daemon.start();
  await eventually(() => client.status.state === "online");
  await expect(client.settings.set("editor", "tabs", 8)).rejects.toBeInstanceOf(UnauthenticatedError);
  expect(client.queued).toBe(1);
  await client.users.pair();
  expect(await (waiting.queued && waiting.settled)).toMatchObject({ value: 4 });
});

test("events go on behind the last cursor after kill -9: none is lost, none comes twice", async () => {
  const feed = client.subscribe({ topics: ["settings"], since: "beginning" });
  const seen: Change[] = [];
  const reading = (async () => {
    for await (const message of feed) if (message.type === "changes") seen.push(...message.changes);
  })();
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 20; n += 1) void client.settings.set("round", `${round}-${n}`, n, { timeoutMs: 60_000 });
    await eventually(() => seen.length >= round * 20 + 5);
    await daemon.kill();
    await daemon.start();
    await client.ready({ timeoutMs: 60_000 });
    await client.connection.queue.drained();
  }
  await eventually(() => seen.length >= 80);
  feed.close();
  await reading;
  const wanted = Array.from({ length: 80 }, (_, n) => `${Math.floor(n / 20)}-${n % 20}`);
  expect(seen.map((each) => each.hint["key"])).toEqual(wanted);
});

test("a closed client refuses everything, and says how many writes were left", async () => {
  await goneAway();
  const waiting = await client.settings.set("editor", "tabs", 4);
  const feed = client.subscribe();
  const next = feed[Symbol.asyncIterator]().next();
  expect(await client.close()).toBe(1);
  await expect(client.users.me()).rejects.toBeInstanceOf(ClosedError);
  await expect(waiting.queued && waiting.settled).rejects.toBeInstanceOf(ClosedError);
  await expect(client.settings.set("editor", "tabs", 8)).rejects.toBeInstanceOf(ClosedError);
  expect(await next).toEqual({ done: true, value: undefined });
});

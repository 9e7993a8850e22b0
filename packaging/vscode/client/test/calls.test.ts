/** What every call has, whatever it asks for: its bounds, its errors, its turn. */
import { getEventListeners } from "node:events";
import { beforeEach, expect, test } from "vitest";
import {
  CancelledError,
  InvalidError,
  LimitExceededError,
  MemoryQueueStore,
  MemoryTokenStore,
  OutcomeUnknownError,
  UnavailableError,
} from "../src/index.js";
import type { Json, Refusal, SidecarClient } from "../src/index.js";
import { callMsMax } from "../src/limits.js";
import { eventually, served } from "./daemon.js";

const { daemon } = served();
let client: SidecarClient;

beforeEach(() => {
  client = daemon.client();
});

test("500 calls at once share a few connections", async () => {
  const all = await Promise.all(Array.from({ length: 500 }, () => client.users.me({ timeoutMs: 60_000 })));
  expect(new Set(all.map((each) => each.id)).size).toBe(1);
});

test("what is too large is refused before it is sent", async () => {
  await client.ready();
  const value = "x".repeat(9_000_000);
  await expect(client.settings.set("a", "b", value)).rejects.toBeInstanceOf(LimitExceededError);
  const body = { name: "x", workspace_path: "/x", editor_state: { value } };
  await expect(client.sessions.create(body)).rejects.toBeInstanceOf(LimitExceededError);
  expect(client.status.state).toBe("online");
});

test("a wrong timeout is told of", async () => {
  await expect(client.users.me({ timeoutMs: 0 })).rejects.toBeInstanceOf(InvalidError);
  await expect(client.users.me({ timeoutMs: callMsMax + 1 })).rejects.toBeInstanceOf(InvalidError);
  await expect(client.users.me({ signal: AbortSignal.abort() })).rejects.toBeInstanceOf(CancelledError);
});

async function reasonsOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(calls);
  return outcomes.map((each) => (each.status === "rejected" ? (each.reason as unknown) : undefined));
}

test("what can not be sent is told of as such, and whatever else a call meets as an error of this package", async () => {
  const deep: unknown[] = [];
  for (let inner = deep, n = 0; n < 100_000; n += 1) inner.push((inner = []));
  const wrong = [
    client.settings.set("a", "b", 10n as unknown as number),
    client.settings.set("a", "b", deep as Json),
    client.settings.set("a", "b", 1, { idempotencyKey: "\u2603" }),
    client.sessions.create({ name: "x", workspace_path: "/x" }, { idempotencyKey: "a\nb" }),
    client.sessions.get("\ud800"),
    client.settings.set("a", "b", 1, { timeoutMs: -1 }),
  ];
  for (const each of await reasonsOf(wrong)) expect(each).toBeInstanceOf(InvalidError);
  expect(client.queued).toBe(0);
  const tokens = new MemoryTokenStore();
  tokens.read = () => Promise.reject(new Error("the keyring is locked"));
  const locked = daemon.client({ tokens });
  const failing = [
    locked.users.me(),
    locked.settings.set("a", "b", 1),
    locked.users.changePassword("a long enough password"),
    locked.ready(),
  ];
  for (const each of await reasonsOf(failing)) {
    expect(each).toBeInstanceOf(UnavailableError);
    expect(each).toMatchObject({ message: "The login's store can not be read: the keyring is locked" });
  }
});

test("a timeout that is undefined is the client's own", async () => {
  const quick = daemon.client({ timeoutMs: 0.5 });
  await expect(quick.ready({ timeoutMs: undefined } as object)).rejects.toThrow("within 0.5 ms");
});

test("one signal may be for any number of calls, delayed writes and subscriptions, and nothing stays on it", async () => {
  const warned: Error[] = [];
  const hear = (warning: Error): void => void warned.push(warning);
  process.on("warning", hear);
  const abort = new AbortController();
  const { signal } = abort;
  const feeds = Array.from({ length: 15 }, () => client.subscribe({ signal }));
  const calls = Array.from({ length: 15 }, (_, n) => [
    client.users.me({ signal }),
    client.settings.set("many", `k${n}`, n, { signal }),
  ]);
  await Promise.all(calls.flat());
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  const ended = Promise.all(feeds.map((each) => each.ended));
  const late = client.users.me({ signal });
  abort.abort();
  await expect(late).rejects.toBeInstanceOf(CancelledError);
  await ended;
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  await new Promise((resolve) => setImmediate(resolve)); // warnings are told a moment later
  process.off("warning", hear);
  expect(warned).toEqual([]);
});

test("a write of one user is never sent in the name of another", async () => {
  const account = { email: "dev@example.org", password: "a long enough password" };
  const tokens = new MemoryTokenStore();
  const other = daemon.client({ tokens });
  const user = await other.users.register(account);
  await other.close();
  const headers = { "Idempotency-Key": "left-by-a-crash" };
  const left = { key: "left-by-a-crash", method: "PUT", path: "/api/v5/settings/editor/whose", headers } as const;
  const writes = new MemoryQueueStore();
  writes.load = () => Promise.resolve([{ ...left, body: '{"value":"theirs"}', userId: user.id }]);
  const host = daemon.client({ name: "host", writes });
  await host.settings.set("editor", "mine", 1);
  expect(await host.settings.find("editor", "whose")).toBeUndefined();
  expect(host.queued).toBe(1);
  await host.users.login(account);
  await host.connection.queue.drained();
  expect(await host.settings.find("editor", "whose")).toBe("theirs");
});

test("a write whose answer never came, and that the daemon does not remember any more, is not sent again", async () => {
  const headers = { "Idempotency-Key": "old" };
  const old = { key: "old", method: "PUT", path: "/api/v5/settings/editor/old", headers, body: '{"value":1}' } as const;
  const writes = new MemoryQueueStore();
  writes.load = () => Promise.resolve([{ ...old, triedAtMs: Date.now() - 24 * 3_600_000 }]);
  const host = daemon.client({ name: "host", writes });
  const refused: Refusal[] = [];
  host.onRefused((each) => refused.push(each));
  await eventually(() => refused.length > 0);
  expect(refused[0]?.error).toBeInstanceOf(OutcomeUnknownError);
  expect(await host.settings.find("editor", "old")).toBeUndefined();
});

test("closing waits for what is queued, if the daemon is there", async () => {
  const all = Array.from({ length: 50 }, (_, n) => client.settings.set("closing", `k${n}`, n));
  expect(await client.close({ timeoutMs: 30_000 })).toBe(0);
  await Promise.all(all);
  const again = daemon.client();
  expect(await again.settings.find("closing", "k49")).toBe(49);
});

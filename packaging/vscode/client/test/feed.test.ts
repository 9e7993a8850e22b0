/** Subscriptions: from any cursor, for slow listeners, over the ends of tokens. What a crash does to them is in outage. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { InvalidError } from "../src/index.js";
import type { FeedMessage, SidecarClient } from "../src/index.js";
import { Daemon, served } from "./daemon.js";

const { daemon } = served();
let client: SidecarClient;

beforeEach(() => {
  client = daemon.client();
});

test("another process of the host goes on behind the cursor of the one before it", async () => {
  const first = client.subscribe({ topics: ["settings"] });
  await expect.poll(() => first.cursor).toBeDefined();
  await client.settings.set("a", "one", 1);
  for await (const message of first) if (message.type === "changes") break;
  await client.settings.set("a", "two", 2);
  const later = daemon.client().subscribe({ topics: ["settings"], since: first.cursor! });
  for await (const message of later) {
    if (message.type !== "changes") continue;
    expect(message.changes.map((each) => each.hint["key"])).toEqual(["two"]);
    break;
  }
});

test("a cursor of another store is answered with a reset, and the feed goes on from there", async () => {
  const elsewhere = new Daemon();
  await elsewhere.start();
  const foreign = elsewhere.client().subscribe();
  await expect.poll(() => foreign.cursor).toBeDefined();
  const since = foreign.cursor!;
  await elsewhere.remove();
  const feed = client.subscribe({ topics: ["settings"], since });
  const messages: FeedMessage[] = [];
  for await (const message of feed) {
    messages.push(message);
    if (message.type === "reset") await client.settings.set("a", "after", 1);
    else break;
  }
  expect(messages.map((each) => each.type)).toEqual(["reset", "changes"]);
});

test("a subscription that the daemon does not understand ends with what is wrong", async () => {
  const feed = client.subscribe({ since: "nonsense" });
  await expect(feed[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(InvalidError);
});

test("a listener that takes nothing for a while makes the socket wait, and misses nothing", async () => {
  const feed = client.subscribe({ topics: ["settings"], since: "now" });
  await expect.poll(() => feed.cursor).toBeDefined();
  await Promise.all(
    Array.from({ length: 300 }, (_, n) => client.settings.set("slow", `k${n}`, n, { timeoutMs: 60_000 })),
  );
  await sleep(100); // what was pushed has come in as far as there is room
  const keys: unknown[] = [];
  for await (const message of feed) {
    if (message.type === "changes") keys.push(...message.changes.map((each) => each.hint["key"]));
    if (keys.length >= 300) break;
  }
  expect(keys).toEqual(Array.from({ length: 300 }, (_, n) => `k${n}`));
});

test("who wants nothing of what changes has a newer cursor all the same", async () => {
  const feed = client.subscribe({ topics: ["agents"] });
  await expect.poll(() => feed.cursor).toBeDefined();
  const began = feed.cursor;
  await Promise.all(
    Array.from({ length: 600 }, (_, n) => client.settings.set("passed", `k${n}`, n, { timeoutMs: 60_000 })),
  );
  for await (const message of feed) {
    expect(message).toMatchObject({ type: "changes", changes: [] });
    break;
  }
  expect(feed.cursor).not.toBe(began);
});

test("a subscription outlives the tokens it began with", async () => {
  let ahead = 0;
  const other = daemon.client({ name: "ahead", now: () => Date.now() + ahead });
  const feed = other.subscribe({ topics: ["settings"] });
  await expect.poll(() => feed.cursor).toBeDefined();
  ahead = 16 * 60_000;
  await other.users.me(); // renews, and shows the socket the new token
  for await (const device of other.users.devices()) await other.users.endDevice(device.id).catch(() => undefined);
  await other.settings.set("a", "b", 1); // as the owner, who is paired anew; so is the subscription
  const keys: unknown[] = [];
  for await (const message of feed) {
    if (message.type === "changes") keys.push(...message.changes.map((each) => each.hint["key"]));
    break;
  }
  expect(keys).toEqual(["b"]);
});

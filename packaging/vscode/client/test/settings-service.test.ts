import { expect, test } from "vitest";
import { InvalidError, NotFoundError } from "../src/index.js";
import type { Json } from "../src/index.js";
import { served } from "./daemon.js";

const { client } = served();

test.each<[string, Json]>([
  ["a number", 4],
  ["a text", "Ünïcode 🙂"],
  ["null", null],
  ["false", false],
  ["a list", [1, [2, [3]]]],
  ["an object", { theme: { dark: true, colours: ["#fff"] } }],
])("%s is kept as it is", async (name, value) => {
  const key = name.replaceAll(" ", "-");
  expect(await client.settings.set("editor", key, value)).toMatchObject({
    queued: false,
    record: { value, version: 1 },
  });
  expect(await client.settings.find("editor", key)).toEqual(value);
  expect((await client.settings.get("editor", key)).value).toEqual(value);
});

test("what is not set is not found", async () => {
  expect(await client.settings.find("editor", "nothing")).toBeUndefined();
  await expect(client.settings.get("editor", "nothing")).rejects.toBeInstanceOf(NotFoundError);
});

test("a setting is changed, listed and removed", async () => {
  await client.settings.set("theme", "name", "light");
  expect(await client.settings.set("theme", "name", "dark")).toMatchObject({ record: { version: 2 } });
  const found: Record<string, Json> = {};
  for await (const each of client.settings.all()) found[`${each.category}/${each.key}`] = each.value as Json;
  expect(found).toMatchObject({ "theme/name": "dark" });
  await client.settings.remove("theme", "name");
  expect(await client.settings.find("theme", "name")).toBeUndefined();
});

test("a name that is none is refused", async () => {
  await expect(client.settings.set("No Category", "key", 1)).rejects.toBeInstanceOf(InvalidError);
  await expect(client.settings.set("..", "../../users/me", 1)).rejects.toMatchObject({ status: 400 });
});

test("a change is pushed without its value", async () => {
  const feed = client.settings.changes({ since: "now" });
  await expect.poll(() => feed.cursor).toBeDefined();
  await client.settings.set("llm", "key", "secret");
  for await (const message of feed) {
    if (message.type !== "changes") continue;
    expect(message.changes[0]).toMatchObject({
      kind: "settings",
      op: "created",
      hint: { category: "llm", key: "key" },
    });
    expect(JSON.stringify(message)).not.toContain("secret");
    break;
  }
});

import { expect, test } from "vitest";
import { NotFoundError } from "../src/index.js";
import { served } from "./daemon.js";

const { daemon, client } = served();

async function contentsOf(id: string): Promise<string[]> {
  const found: string[] = [];
  for await (const each of client.llm.allMessages(id)) found.push(each.content);
  return found;
}

test("1,000 messages that are added at once are kept in the order of the calls, and counted", async () => {
  const { id } = await client.llm.create({ ai_provider: "anthropic", title: "Long" });
  const wanted = Array.from({ length: 1_000 }, (_, n) => `message ${n}`);
  const saved = await Promise.all(
    wanted.map((content, n) => {
      const role = n % 2 ? "assistant" : "user";
      return client.llm.addMessage(id, { role, content, token_count: 3 }, { timeoutMs: 60_000 });
    }),
  );
  expect(saved.every((each) => !each.queued)).toBe(true);
  expect(await contentsOf(id)).toEqual(wanted);
  expect(await client.llm.counts(id)).toEqual({ messages: 1_000, tokens: 3_000 });
  const first = await client.llm.messages(id, { limit: 10 });
  expect(first.items.map((each) => each.content)).toEqual(wanted.slice(0, 10));
  const second = await client.llm.messages(id, { limit: 10, cursor: first.next_cursor! });
  expect(second.items.map((each) => each.content)).toEqual(wanted.slice(10, 20));
});

test("a conversation is begun in a session, changed, listed and removed", async () => {
  const session = await client.sessions.create({ name: "talk", workspace_path: daemon.workspace });
  const body = { ai_provider: "openai", title: "Parser", workspace_session_id: session.id, tags: ["old"] };
  const made = await client.llm.create(body);
  await client.llm.addTags(made.id, ["parser"]);
  await client.llm.removeTags(made.id, ["old"]);
  const saved = await client.llm.update(made.id, { status: "archived", summary: "It was the lexer." });
  expect(saved).toMatchObject({ queued: false, record: { status: "archived", tags: ["parser"] } });
  const listed = await client.llm.list({ workspace_session_id: session.id, status: "archived" });
  expect(listed.items.map((each) => each.id)).toEqual([made.id]);
  await client.llm.addMessage(made.id, { role: "system", content: "Be brief.", model: "m" });
  const whole = await client.llm.get(made.id);
  expect(whole.messages.items[0]).toMatchObject({ role: "system", content: "Be brief.", model: "m", token_count: 0 });
  await client.llm.remove(made.id);
  await expect(client.llm.get(made.id)).rejects.toBeInstanceOf(NotFoundError);
});

test("any text comes back as it was said", async () => {
  const { id } = await client.llm.create({ ai_provider: "x", title: "Ünïcode 🙂" });
  const texts = ["", "\u0000\u2028\r\n\t", "😀".repeat(1_000), "a".repeat(2_000_000), '{"json": "in json"}'];
  for (const content of texts) await client.llm.addMessage(id, { role: "user", content });
  expect(await contentsOf(id)).toEqual(texts);
});

test("a conversation of messages that would be too much for one answer is read whole", async () => {
  const { id } = await client.llm.create({ ai_provider: "x", title: "Large" });
  const content = "x".repeat(7_900_000);
  for (let n = 0; n < 9; n += 1) await client.llm.addMessage(id, { role: "user", content });
  expect((await client.llm.get(id)).messages).toMatchObject({
    items: [{ content }],
    next_cursor: expect.anything() as string,
  });
  expect(await contentsOf(id)).toEqual(Array.from({ length: 9 }, () => content));
});

test("a message for a conversation that is not there is refused, and does not hold up the next", async () => {
  const { id } = await client.llm.create({ ai_provider: "x", title: "y" });
  const nowhere = client.llm.addMessage("01900000-0000-7000-8000-000000000000", { role: "user", content: "?" });
  const here = client.llm.addMessage(id, { role: "user", content: "!" });
  await expect(nowhere).rejects.toBeInstanceOf(NotFoundError);
  expect(await here).toMatchObject({ queued: false });
  expect(client.queued).toBe(0);
});

test("what is said is pushed", async () => {
  const feed = client.llm.changes({ since: "now" });
  await expect.poll(() => feed.cursor).toBeDefined();
  const { id } = await client.llm.create({ ai_provider: "x", title: "pushed" });
  await client.llm.addMessage(id, { role: "user", content: "!" });
  const kinds: string[] = [];
  for await (const message of feed) {
    if (message.type === "changes") kinds.push(...message.changes.map((each) => `${each.kind} ${each.op}`));
    if (kinds.includes("messages created")) break;
  }
  expect(kinds).toContain("conversations created");
});

import { expect, test } from "vitest";
import { NotFoundError, VersionConflictError } from "../src/index.js";
import { served } from "./daemon.js";

const { daemon, client } = served();

const editor = { groups: [{ tabs: [{ path: "src/app.ts", dirty: true, content: "const a = 1;" }] }] };

test("a session comes back as it was saved", async () => {
  const begun = await client.sessions.resume({ workspace_path: daemon.workspace, git_branch: "main" });
  const saved = await client.sessions.save(begun.id, { editor_state: editor, memory: { facts: ["tabs, not spaces"] } });
  expect(saved).toEqual({ queued: false, record: { id: begun.id, version: begun.version + 1 } });
  const again = await client.sessions.resume({ workspace_path: daemon.workspace, git_branch: "main" });
  expect(again.id).toBe(begun.id);
  expect(again.editor_state.groups[0]?.tabs[0]).toMatchObject({ path: "src/app.ts", content: "const a = 1;" });
  expect(again.memory.facts).toHaveLength(1);
});

test("what a newer editor stores is kept, though the client does not know it", async () => {
  const made = await client.sessions.create({ name: "notes", workspace_path: daemon.workspace });
  await client.sessions.save(made.id, { editor_state: { zoom: 1.5 } });
  expect((await client.sessions.get(made.id)).editor_state).toMatchObject({ zoom: 1.5 });
});

test("a snapshot brings back what was replaced, and is itself replaced by one", async () => {
  const made = await client.sessions.create({ name: "one", workspace_path: daemon.workspace, editor_state: editor });
  const before = await client.sessions.snapshot(made.id, "before the refactoring");
  await client.sessions.replace(made.id, { name: "two", workspace_path: daemon.workspace });
  expect((await client.sessions.get(made.id)).editor_state.groups).toEqual([]);
  expect((await client.sessions.compare(made.id, before.id)).changes.length).toBeGreaterThan(0);
  const restored = await client.sessions.restore(made.id, before.id);
  expect(restored.editor_state.groups).toHaveLength(1);
  const kept = await client.sessions.snapshots(made.id);
  expect(kept.items.map((each) => each.reason)).toContain("restore");
  expect(kept.items.map((each) => each.label)).toContain("before the refactoring");
});

test("a fork has its parent's state and goes its own way", async () => {
  const parent = await client.sessions.create({
    name: "parent",
    workspace_path: daemon.workspace,
    editor_state: editor,
  });
  const fork = await client.sessions.fork(parent.id, "try it");
  expect(fork).toMatchObject({ name: "try it", parent_session_id: parent.id, editor_state: parent.editor_state });
  await client.sessions.save(fork.id, { git_branch: "experiment" });
  expect((await client.sessions.get(parent.id)).git_branch).toBeNull();
  expect((await client.sessions.children(parent.id)).items.map((each) => each.id)).toEqual([fork.id]);
  await client.sessions.save(parent.id, { related_sessions: [fork.id] });
  expect((await client.sessions.related(parent.id)).map((each) => each.id)).toContain(fork.id);
});

test("tags and notes are added and removed one by one", async () => {
  const made = await client.sessions.create({ name: "tags", workspace_path: daemon.workspace, tags: ["old"] });
  await client.sessions.addTags(made.id, ["new", "old"]);
  await client.sessions.removeTags(made.id, ["old"]);
  await client.sessions.remember(made.id, "decisions", ["use ws"]);
  await client.sessions.remember(made.id, "facts", ["node 20", "npm 11"]);
  await client.sessions.forget(made.id, "facts", ["node 20"]);
  const now = await client.sessions.get(made.id);
  expect(now.tags).toEqual(["new"]);
  expect(now.memory).toMatchObject({ decisions: ["use ws"], facts: ["npm 11"] });
});

test("all pages of a list are walked", async () => {
  const path = `${daemon.workspace}/many`;
  const made = await Promise.all(
    Array.from({ length: 7 }, (_, n) => client.sessions.create({ name: `session ${n}`, workspace_path: path })),
  );
  const found: string[] = [];
  for await (const each of client.sessions.all({ workspace_path: path, limit: 3 })) found.push(each.id);
  expect(found.sort()).toEqual(made.map((each) => each.id).sort());
});

test("a write to a version that has moved on is refused", async () => {
  const made = await client.sessions.create({ name: "busy", workspace_path: daemon.workspace });
  await client.sessions.save(made.id, { name: "busier" });
  const late = client.sessions.save(made.id, { name: "late" }, { ifVersion: made.version });
  await expect(late).rejects.toBeInstanceOf(VersionConflictError);
  await expect(late).rejects.toMatchObject({ code: "version_conflict", status: 412 });
});

test("a removed session is gone", async () => {
  const made = await client.sessions.create({ name: "gone", workspace_path: daemon.workspace });
  expect(await client.sessions.remove(made.id)).toEqual({ queued: false, record: undefined });
  await expect(client.sessions.get(made.id)).rejects.toBeInstanceOf(NotFoundError);
});

test("changes of sessions are pushed in their order", async () => {
  const feed = client.sessions.changes({ since: "now" });
  const next = feed[Symbol.asyncIterator]();
  await expect.poll(() => feed.cursor).toBeDefined();
  const made = await client.sessions.create({ name: "seen", workspace_path: daemon.workspace });
  await client.sessions.remove(made.id);
  const seen: string[] = [];
  while (!seen.includes("deleted")) {
    const { value } = await next.next();
    if (value?.type !== "changes") continue;
    seen.push(...value.changes.filter((each) => each.id === made.id).map((each) => each.op));
  }
  expect(seen).toEqual(["created", "deleted"]);
  feed.close();
});

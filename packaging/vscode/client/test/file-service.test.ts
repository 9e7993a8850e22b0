import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { InvalidError, NotFoundError } from "../src/index.js";
import type { Change, Workspace } from "../src/index.js";
import { eventually, served } from "./daemon.js";

const { daemon, client } = served();
let root: string;
let folders = 0;

beforeEach(() => {
  root = join(daemon.root, `project-${++folders}`);
  mkdirSync(join(root, "src"), { recursive: true });
  writeFileSync(join(root, "src", "app.ts"), "const a = 1;\n");
  writeFileSync(join(root, "README.md"), "# Demo\n");
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function watched(): Promise<Workspace> {
  const { id } = await client.files.watch(root);
  await eventually(async () => (await client.files.workspace(id)).progress.state === "watching");
  return client.files.workspace(id);
}

async function pathsOf(workspacePath: string): Promise<string[]> {
  const found: string[] = [];
  for await (const each of client.files.all({ workspace_path: workspacePath, limit: 1 })) found.push(each.file_path);
  return found;
}

test("the files of a watched folder are known with their checksums", async () => {
  const workspace = await watched();
  expect(await pathsOf(root)).toEqual(["README.md", "src/app.ts"]);
  const file = await client.files.getByPath(root, "src/app.ts");
  expect(file).toMatchObject({ file_size: 13, checksum: sha256("const a = 1;\n"), kind: "file" });
  expect(await client.files.get(file.id)).toEqual(file);
  expect((await client.files.list({ workspace_path: root, prefix: "src/" })).items).toHaveLength(1);
  await expect(client.files.getByPath(root, "nothing")).rejects.toBeInstanceOf(NotFoundError);
  const all: string[] = [];
  for await (const each of client.files.workspaces()) all.push(each.path);
  expect(all).toContain(root);
  expect((await client.files.watch(root)).id).toBe(workspace.id);
});

test("real edits are pushed: made, changed, moved, deleted", async () => {
  await watched();
  const feed = client.files.changes(root, { since: "now" });
  await expect.poll(() => feed.cursor).toBeDefined();
  const seen: Change[] = [];
  const reading = (async () => {
    for await (const message of feed) if (message.type === "changes") seen.push(...message.changes);
  })();
  const has = (op: string, path: string, checksum?: string): boolean =>
    seen.some(
      ({ op: its, hint }) =>
        its === op && hint["file_path"] === path && (checksum === undefined || hint["checksum"] === checksum),
    );
  writeFileSync(join(root, "src", "new.ts"), "export {};\n");
  await eventually(() => has("created", "src/new.ts", sha256("export {};\n")));
  writeFileSync(join(root, "src", "app.ts"), "const a = 2;\n");
  await eventually(() => has("updated", "src/app.ts", sha256("const a = 2;\n")));
  renameSync(join(root, "src", "new.ts"), join(root, "moved.ts"));
  await eventually(() => has("updated", "moved.ts") || has("created", "moved.ts"));
  rmSync(join(root, "README.md"));
  await eventually(() => has("deleted", "README.md"));
  feed.close();
  await reading;
  expect(await pathsOf(root)).toEqual(["moved.ts", "src/app.ts"]);
  expect(seen.every((each) => each.hint["workspace_path"] === root)).toBe(true);
});

test("the progress of a scan is pushed too, if it is asked for", async () => {
  const feed = client.files.changes(root, { progress: true });
  await expect.poll(() => feed.cursor).toBeDefined();
  const { id } = await client.files.watch(root);
  for await (const message of feed) {
    if (message.type === "progress" && message.state === "watching") {
      expect(message).toMatchObject({ workspace_id: id, workspace_path: root });
      break;
    }
  }
  await client.files.rescan(id);
  await client.files.unwatch(id);
  await expect(client.files.workspace(id)).rejects.toBeInstanceOf(NotFoundError);
});

test("a folder that is not there is not watched", async () => {
  await expect(client.files.watch(join(root, "nowhere"))).rejects.toBeInstanceOf(InvalidError);
});

import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConflictError, FileQueueStore, ForbiddenError, InvalidError, LimitExceededError } from "../src/index.js";
import type { QueuedWrite } from "../src/index.js";
import { draftMsMax, journalBytesMax, journalBytesSpareMax, journalLinesSpareMax } from "../src/limits.js";
import { Daemon, eventually } from "./daemon.js";

const dist = fileURLToPath(new URL("../dist/esm/index.js", import.meta.url));
let folder: string;
let file: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "sidecar-queue-")));
  file = join(folder, "queue", "writes.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(key: string): QueuedWrite {
  return { key, method: "POST", path: `/${key}`, headers: {}, body: "{}" };
}

async function reopened(): Promise<QueuedWrite[]> {
  const store = new FileQueueStore(file);
  const found = await store.load();
  await store.close();
  return found;
}

test("what waits is there again, in order; what is done is not", async () => {
  const store = new FileQueueStore(file);
  expect(await store.load()).toEqual([]);
  await Promise.all(["a", "b", "c"].map((key) => store.add(write(key))));
  await store.tried("a", { triedAtMs: 5, userId: "u" });
  await store.done("b");
  await store.close();
  expect(await reopened()).toEqual([{ ...write("a"), triedAtMs: 5, userId: "u" }, write("c")]);
});

test.skipIf(process.platform === "win32")("nobody else can read what waits", async () => {
  await reopened();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o644);
  await expect(new FileQueueStore(file).load()).rejects.toBeInstanceOf(ForbiddenError);
});

test("one process has the file at a time; one that has ended gives it back", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  const second = new FileQueueStore(file);
  await expect(second.load()).rejects.toBeInstanceOf(ConflictError);
  await expect(second.add(write("a"))).rejects.toBeInstanceOf(ConflictError);
  await store.close();
  for (const left of [`${file}.lock`, `${file}.lock.turn`]) writeFileSync(left, "999999999\n");
  expect(await reopened()).toEqual([]);
});

test("of many that find the lock of one that has ended, one takes it over", async () => {
  await reopened();
  for (let round = 0; round < 20; round += 1) {
    writeFileSync(`${file}.lock`, "999999999\n");
    const stores = Array.from({ length: 10 }, () => new FileQueueStore(file));
    const outcomes = await Promise.allSettled(stores.map((store) => store.load()));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    for (const each of outcomes) if (each.status === "rejected") expect(each.reason).toBeInstanceOf(ConflictError);
    await Promise.all(stores.map((store) => store.close()));
    expect(readdirSync(join(folder, "queue"))).toEqual(["writes.jsonl"]);
  }
});

test.skipIf(process.platform !== "linux")("a lock is not held by a later process of the same number", async () => {
  await reopened();
  writeFileSync(`${file}.lock`, `${process.pid}\n`);
  await expect(new FileQueueStore(file).load()).rejects.toBeInstanceOf(ConflictError);
  writeFileSync(`${file}.lock`, `${process.pid} 00000000-0000-0000-0000-000000000000/1\n`); // before the last boot
  expect(await reopened()).toEqual([]);
});

test("half a line at the end was never acknowledged, and is dropped; one in the middle is told of", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("a"));
  await store.close();
  appendFileSync(file, '{"add":{"key":"b"');
  expect(await reopened()).toEqual([write("a")]);
  appendFileSync(file, "{\n");
  await expect(new FileQueueStore(file).load()).rejects.toBeInstanceOf(InvalidError);
});

test("zeros that a loss of power left in the place of unsynced lines are passed over; what is no line is told of", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("a"));
  await store.close();
  appendFileSync(file, `${"\0".repeat(512)}${JSON.stringify({ add: write("b") })}\n`);
  expect(await reopened()).toEqual([write("a"), write("b")]);
  for (const line of ["null", "5", '{"add":null}', '{"tried":"a"}', "{}", ""]) {
    const whole = readFileSync(file);
    appendFileSync(file, `${line}\n`);
    const loading = new FileQueueStore(file).load();
    await expect(loading).rejects.toBeInstanceOf(InvalidError);
    await expect(loading).rejects.toThrow("line 3, is not a line of a journal");
    writeFileSync(file, whole);
  }
});

test("that a try has done nothing is kept", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("a"));
  await store.tried("a", { triedAtMs: 5 });
  await store.tried("a", null);
  await store.close();
  expect(await reopened()).toEqual([write("a")]);
});

test("a store that could not be read can be once its file is mended, and then holds what is in it", async () => {
  await reopened();
  const text = (key: string): string => `${JSON.stringify({ add: write(key) })}\n`;
  const store = new FileQueueStore(file);
  writeFileSync(file, `${text("a")}null\n`);
  await expect(store.load()).rejects.toBeInstanceOf(InvalidError);
  writeFileSync(file, text("b"));
  expect(await store.load()).toEqual([write("b")]);
  await store.close();
});

test.skipIf(process.platform === "win32")("what a process left that was killed while it wrote is removed", async () => {
  await reopened();
  const [old, young] = [`${file}.0123456789ab.new`, `${file}.lock.ba9876543210.new`];
  for (const each of [old, young]) writeFileSync(each, "half");
  const before = (Date.now() - draftMsMax) / 1_000 - 1;
  utimesSync(old, before, before);
  await reopened();
  expect(readdirSync(join(folder, "queue")).sort()).toEqual(["writes.jsonl", "writes.jsonl.lock.ba9876543210.new"]);
  utimesSync(young, before, before);
  await reopened();
  expect(readdirSync(join(folder, "queue"))).toEqual(["writes.jsonl"]);
});

test("the file does not grow with what is done", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("stays"));
  for (let n = 0; n < journalLinesSpareMax; n += 1) {
    await store.add(write(`k${n}`));
    await store.done(`k${n}`);
  }
  await store.close();
  expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(journalLinesSpareMax + 10);
  expect(await reopened()).toEqual([write("stays")]);
});

test("the file does not grow with large writes that are done, however few, and is short when it is closed", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("stays"));
  const body = "x".repeat(8_000_000);
  for (let n = 0; n < Math.ceil(journalBytesSpareMax / body.length); n += 1) {
    await store.add({ ...write(`k${n}`), body });
    await store.done(`k${n}`);
  }
  expect(statSync(file).size).toBeLessThan(body.length);
  await store.add({ ...write("last"), body });
  await store.done("last");
  await store.close();
  expect(statSync(file).size).toBeLessThan(1_000);
  expect(await reopened()).toEqual([write("stays")]);
});

test("a file that is larger than any journal is left as it is, and told of", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  await store.add(write("a"));
  await store.close();
  truncateSync(file, journalBytesMax + 1); // a hole: takes no room on the disk
  await expect(new FileQueueStore(file).load()).rejects.toBeInstanceOf(LimitExceededError);
  expect(statSync(file).size).toBe(journalBytesMax + 1);
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test.skipIf(process.platform === "win32")("of a write that did not fit on the disk nothing stays", async () => {
  const script = `
    process.on("SIGXFSZ", () => {});
    const { FileQueueStore } = await import(${JSON.stringify(dist)});
    const store = new FileQueueStore(${JSON.stringify(file)});
    const write = (key, body) => ({ key, method: "POST", path: "/" + key, headers: {}, body });
    await store.load();
    await store.add(write("a", "{}"));
    await store.add(write("b", "x".repeat(1_000_000))).catch((error) => console.log(error.code));
    await store.add(write("c", "{}"));
    process.kill(process.pid, "SIGKILL");`;
  const shell = 'ulimit -f 64; "$0" --input-type=module -e "$1" || true';
  expect(execFileSync("sh", ["-c", shell, process.execPath, script], { stdio: "pipe" }).toString()).toBe("EFBIG\n");
  expect(await reopened()).toEqual([write("a"), write("c")]);
});

test.skipIf(process.platform === "win32")("a journal is read though there is no room to write it anew", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  const large = { ...write("large"), body: "x".repeat(100_000) };
  await store.add(large);
  await store.close();
  appendFileSync(file, '{"add":{"key":"half"');
  const script = `
    process.on("SIGXFSZ", () => {});
    const { FileQueueStore } = await import(${JSON.stringify(dist)});
    const store = new FileQueueStore(${JSON.stringify(file)});
    console.log((await store.load()).map(({ key }) => key).join());
    await store.close();`;
  const shell = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
  const output = execFileSync("sh", ["-c", shell, process.execPath, script], { stdio: "pipe" }).toString();
  expect(output).toBe("large\n");
  expect(readFileSync(file, "utf8").endsWith("}\n")).toBe(true); // the half line is cut off
  expect(await reopened()).toEqual([large]);
});

test("a journal that can not be written anew is gone on with", async () => {
  const store = new FileQueueStore(file);
  await store.load();
  for (let n = 0; n < journalLinesSpareMax; n += 1) await store.tried("gone", { triedAtMs: n });
  const [place, aside] = [join(folder, "queue"), join(folder, "aside")];
  renameSync(place, aside);
  writeFileSync(place, "no folder");
  await store.tried("gone", { triedAtMs: 0 });
  await store.add(write("a"));
  rmSync(place);
  renameSync(aside, place);
  await store.add(write("b"));
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(3);
  await store.close();
  expect(existsSync(`${file}.lock`)).toBe(false);
  expect(await reopened()).toEqual([write("a"), write("b")]);
});

test("writes that a host had queued when it was killed are done after its next start, each once and in order", async () => {
  const daemon = new Daemon();
  await daemon.start();
  const client = daemon.client();
  const { id } = await client.llm.create({ ai_provider: "x", title: "Host" });
  const script = `
    const { FileQueueStore, connect } = await import(${JSON.stringify(dist)});
    const client = connect({ name: "host", writes: new FileQueueStore(${JSON.stringify(file)}) });
    const role = "user";
    for (let n = 0; n < 60; n += 1) {
      const saved = await client.llm.addMessage(${JSON.stringify(id)}, { role, content: "message " + n });
      console.log(saved.queued ? "queued" : "done");
    }
    setInterval(() => {}, 1000);`;
  const host = spawn(process.execPath, ["--input-type=module", "-e", script], { env: daemon.environment });
  let output = "";
  host.stdout.on("data", (part: Buffer) => (output += part.toString("utf8")));
  await eventually(() => output.split("\n").length > 20);
  await daemon.kill();
  await eventually(() => output.split("\n").length > 60);
  host.kill("SIGKILL");
  await new Promise((resolve) => host.once("exit", resolve));
  expect(output).toContain("done");
  expect(output).toContain("queued");
  await daemon.start();
  const again = daemon.client({ name: "host", writes: new FileQueueStore(file) });
  await again.ready({ timeoutMs: 60_000 });
  await again.connection.queue.drained();
  const contents: string[] = [];
  for await (const each of again.llm.allMessages(id)) contents.push(each.content);
  expect(contents).toEqual(Array.from({ length: 60 }, (_, n) => `message ${n}`));
  await daemon.remove();
});

test("a queue whose store can not be opened refuses every delayed write, with the reason, until it can", async () => {
  const holder = new FileQueueStore(file);
  await holder.load();
  const daemon = new Daemon();
  await daemon.start();
  const client = daemon.client({ writes: new FileQueueStore(file) });
  await expect(client.settings.set("a", "b", 1)).rejects.toBeInstanceOf(ConflictError);
  expect(client.queued).toBe(0);
  expect((await client.users.me()).role).toBe("admin");
  await holder.close();
  expect(await client.settings.set("a", "b", 1)).toMatchObject({ queued: false }); // it is looked at again
  await daemon.remove();
});

/** Finding the daemon: where it says it is, when it is started, and by whom. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UnavailableError, commandLauncher } from "../src/index.js";
import type { Launcher, LinkStatus } from "../src/index.js";
import { Liar, lies } from "./liars.js";
import { Daemon, eventually, python } from "./daemon.js";

let daemon: Daemon;
beforeEach(() => {
  daemon = new Daemon();
});
afterEach(() => daemon.remove());

test("where no daemon runs, a call says so at once and by name", async () => {
  const call = daemon.client().users.me();
  await expect(call).rejects.toBeInstanceOf(UnavailableError);
  await expect(call).rejects.toMatchObject({ code: "unavailable", details: { reason: "not_running" } });
});

test("a daemon that is started later is found, and listeners hear of each step", async () => {
  const seen: LinkStatus[] = [];
  const client = daemon.client();
  client.onStatus((status) => seen.push(status));
  await eventually(() => client.status.state === "away");
  await daemon.start();
  await client.ready({ timeoutMs: 60_000 });
  expect(client.status).toMatchObject({ state: "online", daemon: { pid: daemon.pid, url: daemon.url } });
  await daemon.kill("SIGTERM");
  await client.users.me().catch(() => undefined);
  await eventually(() => client.status.state === "away");
  await client.close();
  expect(seen.map((each) => each.state)).toEqual(["away", "online", "connecting", "away", "closed"]);
});

test("a daemon that was started anew in the same place is found anew, and a call does not notice", async () => {
  await daemon.start();
  const client = daemon.client();
  await client.users.me();
  const { pid } = client.status.daemon!;
  await daemon.kill();
  await daemon.start(Number(new URL(client.status.daemon!.url).port));
  expect((await client.users.me()).role).toBe("admin");
  expect(client.status).toMatchObject({ state: "online", daemon: { pid: daemon.pid } });
  expect(daemon.pid).not.toBe(pid);
});

test("what a crash left in one folder does not hide the daemon of the next", async () => {
  await daemon.start();
  const left = join(daemon.root, "left");
  mkdirSync(left, { mode: 0o700 });
  const endpoint = { url: "http://127.0.0.1:9", pid: 1, version: "0.1.0", epoch: "e" };
  writeFileSync(join(left, "endpoint.json"), JSON.stringify(endpoint), { mode: 0o600 });
  writeFileSync(join(left, "pairing.key"), "0".repeat(64), { mode: 0o600 });
  const environment = {
    ...daemon.environment,
    SIDECAR_RUNTIME_DIR: left, // the first place to look; the second is `run` below the state
    SIDECAR_STATE_DIR: join(daemon.root, "home"),
  };
  const client = daemon.client({ environment, name: "elsewhere" });
  expect((await client.users.me()).role).toBe("admin");
});

test("an installed daemon that does not run is started, once for everybody", async () => {
  const args = ["-m", "sidecar", "up", "--service", "--port", "0"];
  const real = commandLauncher({ command: python, arguments: args, environment: daemon.environment });
  let asked = 0;
  const launcher: Launcher = {
    start: (signal) => {
      asked += 1;
      return real.start(signal);
    },
  };
  const client = daemon.client({ launcher });
  const write = await client.settings.set("editor", "tabs", 4);
  await client.ready({ timeoutMs: 60_000 });
  await client.connection.queue.drained();
  expect(write.queued).toBe(true);
  expect(await client.settings.find("editor", "tabs")).toBe(4);
  expect(asked).toBe(1);
  process.kill(client.status.daemon!.pid, "SIGKILL");
});

test("the daemon is looked for while its launcher waits, and the launcher is not stopped when it is there", async () => {
  let signal!: AbortSignal;
  const launcher: Launcher = {
    start: async (given) => {
      signal = given;
      await daemon.start();
      return new Promise(() => undefined); // until the daemon ends
    },
  };
  const client = daemon.client({ launcher });
  await client.ready({ timeoutMs: 60_000 });
  expect(signal.aborted).toBe(false);
  await client.close();
  expect(signal.aborted).toBe(false);
});

test("a daemon that crashed is started though a stranger has taken its port", async () => {
  const stranger = await Liar.listen(lies["an error"]!);
  stranger.publish(daemon.runtimeDir, "0".repeat(64));
  const launcher: Launcher = {
    start: async () => {
      await daemon.start();
      return true;
    },
  };
  const client = daemon.client({ launcher });
  await client.ready({ timeoutMs: 60_000 });
  expect(client.status.daemon?.pid).toBe(daemon.pid);
  await stranger.close();
});

test("a daemon that is not installed is told of as not running", async () => {
  const client = daemon.client({ launcher: commandLauncher({ command: join(daemon.root, "nothing") }) });
  await expect(client.users.me()).rejects.toMatchObject({ details: { reason: "not_running" } });
});

test.skipIf(process.platform === "win32")("a launcher that fails is told of", async () => {
  const broken = join(daemon.root, "broken");
  writeFileSync(broken, "");
  chmodSync(broken, 0o600);
  const client = daemon.client({ launcher: commandLauncher({ command: broken }) });
  await eventually(() => client.status.error?.message.includes("could not be started") ?? false);
  await expect(client.users.me()).rejects.toThrow("could not be started");
});

test("a listener that throws keeps nobody else from hearing", async () => {
  const printing = process.listeners("warning");
  process.removeAllListeners("warning"); // this one is wanted, and would be printed
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const client = daemon.client();
  client.onStatus(() => {
    throw new Error("a listener's own fault");
  });
  let heard = 0;
  client.onStatus(() => (heard += 1));
  await eventually(() => heard > 0);
  expect((await warned).message).toBe("a listener's own fault");
  await client.close();
  await new Promise((resolve) => setImmediate(resolve)); // warnings are told a moment later
  for (const each of printing) process.on("warning", each);
});

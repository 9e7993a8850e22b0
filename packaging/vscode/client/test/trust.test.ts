/** A slow or lying server on the endpoint's port never receives a token. */
import { request } from "node:http";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryTokenStore, UnavailableError } from "../src/index.js";
import type { SidecarClient } from "../src/index.js";
import { readPublished } from "../src/transport/discovery.js";
import { send } from "../src/transport/http.js";
import { ProvedAgent } from "../src/transport/proved-agent.js";
import { endOf, openSocket } from "../src/transport/socket.js";
import { Daemon, eventually } from "./daemon.js";
import { Liar, answer, lies, relay } from "./liars.js";

const refreshToken = "canary-refresh-token";
const pairingKey = "5ec2e7".padEnd(64, "0");
let daemon: Daemon;
const liars: Liar[] = [];

beforeEach(() => {
  daemon = new Daemon();
});
afterEach(async () => {
  await daemon.remove();
  await Promise.all(liars.splice(0).map((each) => each.close()));
});

async function listen(...given: Parameters<typeof Liar.listen>): Promise<Liar> {
  const liar = await Liar.listen(...given);
  liars.push(liar);
  return liar;
}

/** Use everything that would send a secret. */
async function useAll(client: SidecarClient): Promise<unknown[]> {
  const feed = client.subscribe();
  const outcomes = await Promise.allSettled([
    client.users.me(),
    client.users.login({ email: "dev@example.org", password: "canary password" }),
    client.users.pair(),
    client.sessions.resume({ workspace_path: "/canary" }),
    client.settings.set("editor", "tabs", 4),
  ]);
  feed.close();
  return outcomes.map((each) => (each.status === "rejected" ? (each.reason as unknown) : each.value));
}

function expectNoSecret(liar: Liar, ...secrets: string[]): void {
  for (const secret of [pairingKey, refreshToken, "canary", "uthorization", ...secrets]) {
    expect(liar.received).not.toContain(secret);
  }
}

test.each(Object.entries(lies))("a server that answers with %s gets no secret", async (_, lie) => {
  const liar = await listen(lie);
  liar.publish(daemon.runtimeDir, pairingKey);
  const tokens = new MemoryTokenStore();
  await tokens.write(JSON.stringify({ kind: "account", user_id: "u", refresh_token: refreshToken }));
  const client = daemon.client({ tokens });
  const outcomes = await useAll(client);
  for (const error of outcomes.slice(0, 4)) {
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({ code: "unavailable" });
  }
  expect(outcomes[4]).toMatchObject({ queued: true });
  const told = inspect([outcomes, client], { depth: 20, showHidden: true });
  for (const secret of [pairingKey, refreshToken, "canary password"]) expect(told).not.toContain(secret);
  const before = liar.connections;
  await eventually(() => liar.connections > before); // it is asked again, and again gets nothing
  await expect(client.users.me()).rejects.toBeInstanceOf(UnavailableError);
  expectNoSecret(liar);
});

test("a server that hands on the proofs of the true daemon gets no secret", async () => {
  await daemon.start();
  const trueUrl = daemon.url;
  const liar = await listen(relay(trueUrl));
  for (const folder of daemon.runtimeDirs) liar.publish(folder, daemon.pairingKey);
  const client = daemon.client();
  await expect(client.users.me()).rejects.toMatchObject({ details: { reason: "not_proved" } });
  expect(liar.received).toContain("/api/v5/hello");
  expectNoSecret(liar, daemon.pairingKey);
});

test("a proof that was given before proves nothing now", async () => {
  await daemon.start();
  const port = Number(new URL(daemon.url).port);
  const heard = await new Promise<string>((resolve) => {
    request(`${daemon.url}/api/v5/hello?nonce=an-earlier-one`, (message) => {
      message.on("data", (part: Buffer) => resolve(part.toString("utf8")));
    }).end();
  });
  expect(heard).toContain("port_proof");
  await daemon.kill();
  const liar = await listen((socket) => socket.write(answer(heard)), port);
  const client = daemon.client();
  await expect(client.users.me()).rejects.toMatchObject({ details: { reason: "not_proved" } });
  expectNoSecret(liar, daemon.pairingKey);
});

test("who takes the port of a daemon that was killed gets no token of a client that had one", async () => {
  await daemon.start();
  const port = Number(new URL(daemon.url).port);
  const client = daemon.client();
  await client.users.me();
  const feed = client.subscribe();
  await expect.poll(() => feed.cursor).toBeDefined();
  await daemon.kill();
  const liar = await listen(lies["a proof under another key"]!, port);
  await expect(client.users.me()).rejects.toBeInstanceOf(UnavailableError);
  await client.settings.set("editor", "tabs", 8);
  await eventually(() => liar.connections > 2);
  expectNoSecret(liar, daemon.pairingKey, "Bearer");
  await liar.close();
  await daemon.start(); // elsewhere, under another pid: it is found, proves itself, and gets what waited
  await client.ready({ timeoutMs: 60_000 });
  await client.connection.queue.drained();
  expect(await client.settings.find("editor", "tabs")).toBe(8);
  expectNoSecret(liar, daemon.pairingKey, "Bearer");
});

test("who takes the old port, while the daemon is on a new one, is not even asked", async () => {
  await daemon.start();
  const port = Number(new URL(daemon.url).port);
  const client = daemon.client();
  await client.users.me();
  await daemon.kill();
  await daemon.start();
  const liar = await listen(relay(daemon.url), port);
  await client.ready({ timeoutMs: 60_000 });
  expect((await client.users.me()).role).toBe("admin");
  expect(client.status.daemon).toMatchObject({ url: daemon.url, pid: daemon.pid });
  expectNoSecret(liar, daemon.pairingKey, "Bearer");
});

test("a connection that a host puts in the place of ours gets nothing", async () => {
  await daemon.start();
  const liar = await listen(lies["an error"]!);
  const folder = daemon.runtimeDir;
  const agent = new ProvedAgent((await readPublished(folder))!);
  const headers = { Authorization: "Bearer canary" };
  const request = { method: "GET", path: "/api/v5/users/me", headers } as const;
  await expect(send(agent, request, AbortSignal.timeout(5_000))).rejects.toMatchObject({ status: 401 });
  agent.retire();
  const elsewhere = (): Socket => connect({ host: "127.0.0.1", port: liar.port });
  agent.createConnection = elsewhere as unknown as typeof agent.createConnection;
  const lost = send(agent, request, AbortSignal.timeout(5_000));
  await expect(lost).rejects.toMatchObject({ isUnsent: true, cause: { code: "not_proved" } });
  const { code } = await endOf(openSocket(agent, headers), { open: () => undefined, message: () => undefined });
  expect(code).toBe(1006);
  await eventually(() => liar.connections === 2);
  expect(liar.received).toBe("");
  agent.destroy();
});

test("a connection that is to prove itself ends with those that have, and does not last until it is too late for it", async () => {
  const liar = await listen(lies["nothing at all"]!);
  liar.publish(daemon.runtimeDir, pairingKey);
  const agent = new ProvedAgent((await readPublished(daemon.runtimeDir))!);
  const sent = send(agent, { method: "GET", path: "/readyz" }, AbortSignal.timeout(60_000));
  const ended = expect(sent).rejects.toMatchObject({
    cause: { message: `The daemon does not answer at ${agent.published.url}.` },
  });
  await eventually(() => liar.received.includes("hello"));
  agent.destroy();
  await ended;
});

test.each([
  ["http://192.0.2.1:7370", "not on this machine"],
  ["http://localhost:7370", "not on this machine"],
  ["https://127.0.0.1:7370", "not on this machine"],
  ["http://127.0.0.1.example.org:7370", "not on this machine"],
  ["http://user@127.0.0.1:7370", "not on this machine"],
])("an endpoint at %s is not used", async (url, reason) => {
  const liar = await listen(lies["nothing at all"]!);
  liar.publish(daemon.runtimeDir, pairingKey);
  const endpoint = { url, pid: 1, version: "0.1.0", epoch: "e" };
  writeFileSync(join(daemon.runtimeDir, "endpoint.json"), JSON.stringify(endpoint));
  await expect(daemon.client().users.me()).rejects.toThrow(reason);
});

test.skipIf(process.platform === "win32").each(["endpoint.json", "pairing.key"])(
  "a %s that others can write is not believed",
  async (name) => {
    await daemon.start();
    for (const folder of daemon.runtimeDirs) chmodSync(join(folder, name), 0o666);
    await expect(daemon.client().users.me()).rejects.toThrow("can be written by another user");
  },
);

test.each([
  ["endpoint.json", "{}", "not an endpoint"],
  ["endpoint.json", "[", "not an endpoint"],
  ["pairing.key", "short", "not a pairing key"],
])("a broken %s is told of", async (name, content, reason) => {
  const liar = await listen(lies["nothing at all"]!);
  liar.publish(daemon.runtimeDir, pairingKey);
  writeFileSync(join(daemon.runtimeDir, name), content);
  await expect(daemon.client().users.me()).rejects.toThrow(reason);
});

test.skipIf(process.platform === "win32")("the refresh token lies in a file of its own, 0600 in 0700", async () => {
  await daemon.start();
  await daemon.client({ name: "my-editor" }).users.me();
  const file = join(daemon.root, "home", "state", "clients", "my-editor.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ kind: "paired" });
});

test.skipIf(process.platform === "win32")("a token file that others could read is thrown away", async () => {
  await daemon.start();
  const client = daemon.client();
  await client.users.me();
  await client.close();
  const file = join(daemon.root, "home", "state", "clients", "typescript.json");
  const before = readFileSync(file, "utf8");
  chmodSync(file, 0o644);
  await daemon.client().users.me();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).not.toBe(before);
});

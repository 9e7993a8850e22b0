import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileTokenStore, ForbiddenError, InvalidError, MemoryTokenStore, UnauthenticatedError } from "../src/index.js";
import type { Device, SidecarClient, TokenStore } from "../src/index.js";
import { StoredLogin } from "../src/stored-login.js";
import { Daemon, eventually } from "./daemon.js";

const daemon = new Daemon();
const password = "a long enough password";
let emails = 0;

beforeAll(() => daemon.start());
afterAll(() => daemon.remove());

function clientWith(tokens: TokenStore = new MemoryTokenStore(), more = {}): SidecarClient {
  return daemon.client({ tokens, ...more });
}

function newEmail(): string {
  return `dev${++emails}@example.org`;
}

async function devicesOf(client: SidecarClient): Promise<Device[]> {
  const found: Device[] = [];
  for await (const each of client.users.devices()) found.push(each);
  return found;
}

/** How often something happened to a user, as the daemon's own audit trail tells it. */
async function countOf(client: SidecarClient, event: string): Promise<number> {
  const { id } = await client.users.me();
  const rows = (await client.connection.read("/api/v5/audit", { query: { event, user_id: id, limit: 1_000 } })) as {
    items: unknown[];
  };
  return rows.items.length;
}

test("without any login the machine's owner is paired, once, and again found after a restart of the host", async () => {
  const tokens = new FileTokenStore(join(daemon.root, "tokens", "owner.json"));
  const client = clientWith(tokens);
  const all = await Promise.all(Array.from({ length: 10 }, () => client.users.me()));
  expect(new Set(all.map((each) => each.id)).size).toBe(1);
  const [device] = await devicesOf(client);
  await client.close();
  const again = clientWith(tokens);
  expect((await again.users.me()).id).toBe(all[0]!.id);
  const families = (await devicesOf(again)).map((each) => each.token_family);
  expect(families.filter((each) => each === device!.token_family)).toHaveLength(1);
  expect(await countOf(again, "auth.refreshed")).toBeGreaterThan(0);
});

test("register, log out, log in", async () => {
  const client = clientWith();
  const email = newEmail();
  const user = await client.users.register({ email, password, first_name: "Ada" });
  expect(user).toMatchObject({ email, first_name: "Ada", role: "admin" });
  expect((await client.users.me()).id).toBe(user.id);
  await client.users.logout();
  await client.users.logout(); // which changes nothing
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
  const wrong = client.users.login({ email, password: "not the password" });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_credentials", status: 401 });
  expect((await client.users.login({ email, password })).id).toBe(user.id);
  expect((await client.users.rename({ first_name: "Ada", last_name: "Lovelace" })).last_name).toBe("Lovelace");
});

test("a renewal that is overtaken by a logout or a login keeps nothing", async () => {
  const client = clientWith();
  const email = newEmail();
  const user = await client.users.register({ email, password });
  const { login } = client.connection;
  const token = await login.token(AbortSignal.timeout(5_000));
  const renewal = login.token(AbortSignal.timeout(5_000), token);
  await login.forget();
  await expect(renewal).rejects.toBeInstanceOf(UnauthenticatedError);
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
  await client.users.login({ email, password });
  const fresh = await login.token(AbortSignal.timeout(5_000));
  const overtaken = login.token(AbortSignal.timeout(5_000), fresh).catch(() => undefined);
  const owner = await client.users.pair();
  await overtaken;
  expect((await client.users.me()).id).toBe(owner.id);
  expect(owner.id).not.toBe(user.id);
});

test("a call that is made while a logout is being stored does not undo it", async () => {
  let stored: Promise<void> | undefined;
  let begun = (): void => undefined;
  class SlowStore extends MemoryTokenStore {
    override async write(text: string): Promise<void> {
      const wait = stored;
      stored = undefined;
      begun();
      await wait;
      await super.write(text);
    }
  }
  const client = clientWith(new SlowStore());
  await client.users.me(); // pairs
  let release!: () => void;
  stored = new Promise((resolve) => (release = resolve));
  const writing = new Promise<void>((resolve) => (begun = resolve));
  const logout = client.users.logout();
  await writing;
  const call = client.users.me();
  call.catch(() => undefined);
  // room for a call that does not wait: it would be paired anew by the token that is being forgotten
  await Promise.race([call.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 500))]);
  release();
  await logout;
  await expect(call).rejects.toBeInstanceOf(UnauthenticatedError);
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
});

test("who asks while somebody logs in gets the new login, and a subscription goes on in its name", async () => {
  const credentials = { email: newEmail(), password };
  const user = await clientWith().users.register(credentials);
  const opened = await clientWith().connection.login.open("login", credentials, AbortSignal.timeout(5_000));
  let begun!: () => void;
  let release!: () => void;
  const reading = new Promise<void>((resolve) => (begun = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  class SlowStore extends MemoryTokenStore {
    override async read(): Promise<string | undefined> {
      begun();
      await released;
      return super.read();
    }
  }
  const client = clientWith(new SlowStore());
  const feed = client.subscribe({ topics: ["settings"] });
  const me = client.users.me();
  await reading; // to pair
  const adopted = client.connection.login.adopt(opened, "account");
  release();
  await adopted;
  expect((await me).id).toBe(user.id);
  await expect.poll(() => feed.cursor).toBeDefined();
  await client.settings.set("editor", "seen", 1);
  for await (const message of feed) if (message.type === "changes") break;
});

test("a login that the store can not take is not lost: the calls go on, and it is stored as soon as it can be", async () => {
  let ahead = 0;
  let isFull = false;
  class FullStore extends MemoryTokenStore {
    override write(text: string): Promise<void> {
      return isFull ? Promise.reject(new Error("ENOSPC: no space left on device")) : super.write(text);
    }
  }
  const printing = process.listeners("warning");
  process.removeAllListeners("warning"); // these are wanted, and would be printed
  const warned: string[] = [];
  process.on("warning", (warning) => warned.push(warning.message));
  const tokens = new FullStore();
  const client = clientWith(tokens, { now: () => Date.now() + ahead });
  const { id } = await client.users.register({ email: newEmail(), password });
  isFull = true;
  for (let round = 0; round < 3; round += 1) {
    ahead += 16 * 60_000;
    const before = await tokens.read();
    expect((await client.users.me()).id).toBe(id);
    expect(await tokens.read()).toBe(before);
  }
  await expect(client.connection.login.forget()).rejects.toMatchObject({ code: "unavailable" });
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError); // as the store would have it
  await expect(client.users.register({ email: newEmail(), password })).resolves.toBeDefined();
  isFull = false;
  await eventually(async () => {
    await client.users.me();
    return ((await tokens.read()) ?? "").includes((await client.users.me()).id);
  });
  expect((await clientWith(tokens).users.me()).id).toBe((await client.users.me()).id);
  expect(await countOf(client, "auth.refresh_refused")).toBe(0);
  expect(new Set(warned)).toEqual(new Set(["The login can not be stored: ENOSPC: no space left on device"]));
  process.removeAllListeners("warning");
  for (const each of printing) process.on("warning", each);
});

test("the store's login is taken where another window has written one since", async () => {
  const tokens = new MemoryTokenStore();
  const stored = new StoredLogin(tokens);
  await tokens.write('{"kind":"account","refresh_token":"old"}');
  const write = tokens.write.bind(tokens);
  tokens.write = () => Promise.reject(new Error("EPERM"));
  await expect(stored.write({ kind: "account", refresh_token: "new" })).rejects.toThrow("EPERM");
  expect(await stored.read()).toMatchObject({ refresh_token: "new" });
  await write('{"kind":"account","refresh_token":"another window\'s"}');
  expect(await stored.read()).toMatchObject({ refresh_token: "another window's" });
});

test("an address with accounts in two tenants logs in to the one that is named", async () => {
  const email = newEmail();
  const first = await clientWith().users.register({ email, password });
  const second = await clientWith().users.register({ email, password });
  const client = clientWith();
  expect((await client.users.login({ email, password, tenant_id: first.tenant_id })).id).toBe(first.id);
  expect((await client.users.login({ email, password, tenant_id: second.tenant_id })).id).toBe(second.id);
});

test("a short password is refused", async () => {
  const short = clientWith().users.register({ email: newEmail(), password: "short" });
  await expect(short).rejects.toBeInstanceOf(InvalidError);
});

test("20 calls that meet the end of a token exchange the refresh token once", async () => {
  let ahead = 0;
  const client = clientWith(new MemoryTokenStore(), { now: () => Date.now() + ahead });
  await client.users.register({ email: newEmail(), password });
  ahead = 16 * 60_000; // access tokens last for 15 minutes
  const all = await Promise.all(Array.from({ length: 20 }, () => client.users.me()));
  expect(all).toHaveLength(20);
  expect(await countOf(client, "auth.refreshed")).toBe(1);
});

test("20 calls whose token the daemon refuses exchange the refresh token once", async () => {
  const client = clientWith();
  const email = newEmail();
  await client.users.register({ email, password });
  const before = await countOf(client, "auth.refreshed");
  const { login } = client.connection;
  const token = await login.token(AbortSignal.timeout(5_000));
  const renewed = await Promise.all(Array.from({ length: 20 }, () => login.token(AbortSignal.timeout(5_000), token)));
  expect(new Set(renewed).size).toBe(1);
  expect(renewed[0]).not.toBe(token);
  expect(await countOf(client, "auth.refreshed")).toBe(before + 1);
});

test("two windows with one store race through 20 rotations each, and stay logged in", async () => {
  let ahead = 0;
  const tokens = new FileTokenStore(join(daemon.root, "tokens", "two-windows.json"));
  const options = { now: () => Date.now() + ahead };
  const one = clientWith(tokens, options);
  await one.users.register({ email: newEmail(), password });
  const two = clientWith(new FileTokenStore(tokens.path), options);
  const me = await one.users.me();
  for (let round = 0; round < 10; round += 1) {
    ahead += 16 * 60_000;
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? one : two).users.me()));
    expect(new Set(all.map((each) => each.id))).toEqual(new Set([me.id]));
  }
  expect(await countOf(one, "auth.refresh_refused")).toBe(0);
  expect(await devicesOf(one)).toHaveLength(1);
});

test("a login of an account that was ended elsewhere is not replaced by the machine's owner's", async () => {
  const client = clientWith();
  const other = clientWith();
  const email = newEmail();
  await client.users.register({ email, password });
  await other.users.login({ email, password });
  const [own] = await devicesOf(client);
  for (const device of await devicesOf(other)) if (device.id === own!.id) await other.users.endDevice(device.id);
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
  await expect(client.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
  const owner = await client.users.pair(); // who asks for it, gets it
  expect(owner.email).not.toBe(email);
});

test("the machine's owner, whose login was ended elsewhere, is paired anew", async () => {
  const client = clientWith();
  const me = await client.users.me();
  const other = clientWith();
  await other.users.me();
  for (const device of await devicesOf(other)) await other.users.endDevice(device.id);
  expect((await client.users.me()).id).toBe(me.id);
});

test("after a change of the password this login goes on, and every other ends", async () => {
  const client = clientWith();
  const other = clientWith();
  const email = newEmail();
  await client.users.register({ email, password });
  await other.users.login({ email, password });
  await client.users.changePassword("another long password", password);
  expect((await client.users.me()).email).toBe(email);
  await expect(other.users.me()).rejects.toBeInstanceOf(UnauthenticatedError);
  await other.users.login({ email, password: "another long password" });
});

test("a change of the password whose answer was lost is repeated under its key, and this login goes on", async () => {
  const client = clientWith();
  const email = newEmail();
  await client.users.register({ email, password });
  const token = await client.connection.login.token(AbortSignal.timeout(5_000));
  const changed = { new_password: "another long password", current_password: password };
  const lost = await fetch(`${daemon.url}/api/v5/users/me/password`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Idempotency-Key": "lost" },
    body: JSON.stringify(changed),
  });
  expect(lost.status).toBe(200);
  await expect(client.users.changePassword("another long password", password)).rejects.toBeInstanceOf(
    UnauthenticatedError,
  );
  await client.users.changePassword("another long password", password, { idempotencyKey: "lost" });
  expect((await client.users.me()).email).toBe(email);
});

test("an admin keeps the tenant's users, and a viewer may not write", async () => {
  const admin = clientWith();
  await admin.users.register({ email: newEmail(), password });
  const email = newEmail();
  const made = await admin.users.create({ email, password, role: "viewer" });
  const viewer = clientWith();
  await viewer.users.login({ email, password });
  const begun = viewer.sessions.create({ name: "x", workspace_path: "/x" });
  await expect(begun).rejects.toBeInstanceOf(ForbiddenError);
  await admin.users.update(made.id, { role: "developer" }); // which ends the user's logins
  await viewer.users.login({ email, password });
  expect((await viewer.sessions.create({ name: "x", workspace_path: "/x" })).user_id).toBe(made.id);
  expect((await admin.users.list()).items.map((each) => each.id)).toContain(made.id);
  await admin.users.remove(made.id);
  expect((await admin.users.list()).items.map((each) => each.id)).not.toContain(made.id);
});

test("what the store holds is no text of ours: the owner is paired anew", async () => {
  const tokens = new MemoryTokenStore();
  await tokens.write("{");
  expect((await clientWith(tokens).users.me()).role).toBe("admin");
});

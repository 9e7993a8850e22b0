/**
 * What the services stand on: reads, writes, writes that may be delayed, and subscriptions, each with its deadline, its
 * login and its typed errors. Wires link, login, queue and feed together, and closes them.
 */
import { Calls } from "./calls.js";
import { within } from "./deadline.js";
import type { CallOptions } from "./deadline.js";
import { DelayedWrites } from "./delayed-writes.js";
import type { Saved } from "./delayed-writes.js";
import { InvalidError } from "./errors.js";
import type { Launcher } from "./launcher.js";
import { callMsDefault, callMsMax, closeMsDefault } from "./limits.js";
import { Link } from "./link.js";
import { Login } from "./login.js";
import { OfflineQueue } from "./offline-queue.js";
import type { PathOf, QueryOf } from "./operations.js";
import { MemoryQueueStore } from "./queue-store.js";
import type { QueueStore } from "./queue-store.js";
import { readOf, writeOf } from "./requests.js";
import type { Asked, WriteMethod, WriteOptions } from "./requests.js";
import { FileTokenStore } from "./token-store.js";
import type { TokenStore } from "./token-store.js";
import { foldersOf, thisMachine } from "./transport/folders.js";
import type { HttpAnswer, HttpRequest } from "./transport/http.js";
import { Subscription } from "./transport/ws.js";
import type { SubscribeOptions } from "./transport/ws.js";
import type { Page } from "./types.js";

export type { WriteOptions } from "./requests.js";

export interface ConnectionOptions {
  /** Names the host among the machine's clients, and its token file; `typescript` unless given. */
  name?: string;
  /** Where the refresh token is kept; a file of its own below the daemon's state folder unless given. */
  tokens?: TokenStore;
  /** Where delayed writes wait; in memory unless given. */
  writes?: QueueStore;
  /** Starts the daemon when it is not running; nobody unless given. */
  launcher?: Launcher;
  /** How long a call may take unless it says so itself. */
  timeoutMs?: number;
  /** The environment that says where the daemon's folders are; this process's unless given. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970; the system's clock unless given. */
  now?: () => number;
}

export class Connection {
  readonly link: Link;
  readonly login: Login;
  readonly queue: OfflineQueue;
  readonly #calls: Calls;
  readonly #delayed: DelayedWrites;
  readonly #timeoutMs: number;
  readonly #userAgent: string;
  readonly #subscriptions = new Set<Subscription>();

  constructor(options: ConnectionOptions = {}) {
    const { name = "typescript", now = Date.now, timeoutMs = callMsDefault, launcher } = options;
    const folders = foldersOf(thisMachine(options.environment));
    const store = options.tokens ?? FileTokenStore.ofClient(folders.stateDir, checkedName(name));
    this.#timeoutMs = timeoutMs;
    this.#userAgent = `${checkedName(name)} (Sidecar client, Node ${process.versions.node})`;
    this.link = new Link({ folders: folders.runtimeDirs, launcher });
    this.login = new Login({ link: this.link, store, userAgent: this.#userAgent, now });
    this.#calls = new Calls(this.link, this.login, this.#userAgent);
    this.queue = new OfflineQueue({
      store: options.writes ?? new MemoryQueueStore(),
      now,
      closing: this.link.closing,
      ready: () => this.#readyForWrites(),
      send: (write, trace) => within({}, ({ signal }) => this.#calls.call({ ...write, trace }, signal, write.userId)),
    });
    this.#delayed = new DelayedWrites(this.link, this.login, this.queue);
    this.login.renewed.add(() => {
      this.queue.wake();
    });
  }

  /** Read something. While the daemon is away this rejects at once. */
  async read<P extends PathOf<"get">>(path: P, asked: Asked<"get", P>, options: CallOptions = {}): Promise<unknown> {
    return this.#content(readOf(path, asked), options);
  }

  /** Yield every item of a list, page by page. */
  async *all<P extends PathOf<"get">, T>(
    path: P,
    asked: Asked<"get", P>,
    options: CallOptions = {},
  ): AsyncGenerator<T> {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = { ...(asked.query as object | undefined), ...(cursor !== undefined && { cursor }) };
      const page = (await this.read(path, { ...asked, query: query as QueryOf<"get", P> }, options)) as Page<T>;
      yield* page.items;
      cursor = page.next_cursor;
    }
  }

  /** Write something whose answer the caller needs. While the daemon is away this rejects at once. */
  async write<M extends WriteMethod, P extends PathOf<M>>(
    method: M,
    path: P,
    asked: Asked<M, P>,
    options: WriteOptions = {},
  ): Promise<unknown> {
    return this.#content(writeOf(method, path, asked, options), options);
  }

  /**
   * Write something that may be delayed: behind all such writes before it, at once if the daemon is there and later if it
   * is not. Says which as soon as that is known.
   *
   * @param shown Makes the record of the answer.
   */
  async delay<M extends WriteMethod, P extends PathOf<M>, T>(
    method: M,
    path: P,
    asked: Asked<M, P>,
    options: WriteOptions,
    shown: (answer: HttpAnswer) => T,
  ): Promise<Saved<T>> {
    return this.#delayed.add(writeOf(method, path, asked, options), this.bounded(options), shown);
  }

  subscribe(options: SubscribeOptions = {}): Subscription {
    const subscription = new Subscription(this.link, this.login, options, this.#userAgent);
    this.#subscriptions.add(subscription);
    void subscription.ended.then(() => this.#subscriptions.delete(subscription));
    return subscription;
  }

  /** Settle when the daemon is there and somebody is logged in. */
  async ready(options: CallOptions = {}): Promise<void> {
    await within(this.bounded(options), async ({ signal }) => {
      await this.link.online(signal);
      await this.login.token(signal);
    });
  }

  /**
   * End all that is open, and wait a while for what is queued.
   *
   * @returns How many writes still wait; a store that lasts has them.
   */
  async close({ timeoutMs = closeMsDefault }: { timeoutMs?: number } = {}): Promise<number> {
    for (const subscription of this.#subscriptions) subscription.close();
    if (timeoutMs > 0) await this.#drain(Math.min(timeoutMs, callMsMax)).catch(() => undefined);
    this.link.close();
    return this.queue.close();
  }

  /** Return a call's options with the connection's own timeout where it says none. */
  bounded(options: CallOptions = {}): CallOptions {
    return { ...options, timeoutMs: options.timeoutMs ?? this.#timeoutMs };
  }

  async #content(request: HttpRequest, options: CallOptions): Promise<unknown> {
    return (await within(this.bounded(options), ({ signal }) => this.#calls.call(request, signal))).content;
  }

  /** Wait until nothing is queued; rejects at once when the daemon is away, and when it takes too long. */
  async #drain(timeoutMs: number): Promise<void> {
    await within({ timeoutMs }, async ({ signal }) => {
      if (await this.queue.isEmpty()) return;
      await this.link.ready(signal);
      await this.queue.drained();
    });
  }

  /** Return whose writes can be sent now, when some can. */
  async #readyForWrites(): Promise<string | undefined> {
    await this.link.online(this.link.closing);
    return (await within({}, ({ signal }) => this.login.access(signal))).userId;
  }
}

/** It is part of a file's name and of a header. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new InvalidError(`A client's name has letters, digits, dots, dashes and underlines, and not ${name}.`);
}

/**
 * What the services stand on: reads, writes, writes that may be delayed, and subscriptions, each with its deadline, its
 * login and its typed errors. Wires link, login, queue and feed together, and closes them.
 */
import { randomUUID } from "node:crypto";
import { raced, within } from "./deadline.js";
import type { CallOptions, Deadline } from "./deadline.js";
import {
  CancelledError,
  InvalidError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
  asSidecarError,
} from "./errors.js";
import type { SidecarError } from "./errors.js";
import type { Launcher } from "./launcher.js";
import { callMsDefault, closeMsDefault } from "./limits.js";
import { Link } from "./link.js";
import { Login } from "./login.js";
import { OfflineQueue } from "./offline-queue.js";
import type { Waiting } from "./offline-queue.js";
import { pathOf, queryOf } from "./operations.js";
import type { BodyOf, Method, ParametersOf, PathOf, QueryOf } from "./operations.js";
import { MemoryQueueStore } from "./queue-store.js";
import type { QueueStore, QueuedWrite } from "./queue-store.js";
import { FileTokenStore } from "./token-store.js";
import type { TokenStore } from "./token-store.js";
import { foldersOf, thisMachine } from "./transport/folders.js";
import { LostError, send } from "./transport/http.js";
import type { HttpAnswer, HttpRequest } from "./transport/http.js";
import { Subscription } from "./transport/ws.js";
import type { SubscribeOptions } from "./transport/ws.js";
import type { Page } from "./types.js";

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

type WriteMethod = Exclude<Method, "get">;

/** What a write takes besides. */
export interface WriteOptions extends CallOptions {
  /** Writes only if the record still has this version; else a `VersionConflictError`. */
  ifVersion?: number;
  /** Makes a repeat of a POST the same request; a fresh one unless given. */
  idempotencyKey?: string;
}

/** What became of a write that may be delayed: done, or waiting for the daemon under its key. */
export type Saved<T> =
  | { readonly queued: false; readonly record: T }
  | { readonly queued: true; readonly key: string; readonly settled: Promise<T> };

/** What fills a request's path, query and body; each is checked against the daemon's own document. */
export interface Asked<M extends Method, P extends PathOf<M>> {
  path?: ParametersOf<P>;
  query?: QueryOf<M, P> | undefined;
  body?: BodyOf<M, P>;
  /** Leaves the record out of the answer. */
  isMinimal?: boolean;
}

export class Connection {
  readonly link: Link;
  readonly login: Login;
  readonly queue: OfflineQueue;
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
    this.queue = new OfflineQueue({
      store: options.writes ?? new MemoryQueueStore(),
      now,
      closing: this.link.closing,
      ready: async () => {
        await this.link.online(this.link.closing);
        await within({ timeoutMs }, (deadline) => this.login.token(deadline.signal));
        return this.login.userId();
      },
      send: (write) => this.#sendQueued(write),
    });
    this.login.renewed.add(() => {
      this.queue.wake();
    });
  }

  /** Read something. While the daemon is away this rejects at once. */
  async read<P extends PathOf<"get">>(path: P, asked: Asked<"get", P>, options: CallOptions = {}): Promise<unknown> {
    const request: HttpRequest = { method: "GET", path: this.#pathOf(path, asked) };
    return (await this.#within(options, (deadline) => this.call(request, deadline.signal))).content;
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
    const request = this.#writeOf(method, this.#pathOf(path, asked), asked, options);
    return (await this.#within(options, (deadline) => this.call(request, deadline.signal))).content;
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
    const write = this.#writeOf(method, this.#pathOf(path, asked), asked, options);
    if (options.signal?.aborted) throw new CancelledError("The call was cancelled.");
    const waiting = this.queue.add(write, this.login.userId());
    const settled = waiting.settled.then(shown);
    settled.catch(() => undefined);
    const queued: Saved<T> = { queued: true, key: write.key, settled };
    try {
      return await this.#within(options, async (deadline) => {
        const news = new AbortController(); // what else ends the waiting
        const record = raced(settled, news.signal);
        const stop = this.#onStandstill(news);
        try {
          return { queued: false, record: await raced(record, deadline.signal) };
        } finally {
          stop();
        }
      });
    } catch (thrown) {
      await waiting.kept; // rejects when the store could not keep it
      const saved = await this.#afterWaiting(asSidecarError(thrown), waiting, queued);
      this.#withdrawOn(options.signal, waiting);
      return saved;
    }
  }

  subscribe(options: SubscribeOptions = {}): Subscription {
    const subscription = new Subscription(this.link, this.login, options, this.#userAgent);
    this.#subscriptions.add(subscription);
    void subscription.ended.then(() => this.#subscriptions.delete(subscription));
    return subscription;
  }

  /** Settle when the daemon is there and somebody is logged in. */
  async ready(options: CallOptions = {}): Promise<void> {
    await this.#within(options, async ({ signal }) => {
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
    if (this.link.status.state === "online" && timeoutMs > 0) {
      await within({ timeoutMs }, () => this.queue.drained()).catch(() => undefined);
    }
    const left = this.queue.size;
    this.link.close();
    await this.queue.close();
    return left;
  }

  /**
   * One request with a token, which is renewed once if the daemon refuses it.
   *
   * A request that a lost connection has kept from being answered is sent once more to a daemon that is found at once,
   * where it changes nothing twice: it may only have moved, or have closed the connection for idleness.
   */
  async call(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#callOnce(request, signal);
    } catch (error) {
      if (!(error instanceof LostError && (error.isUnsent || isRepeatable(request)))) throw error;
      return this.#callOnce(request, signal);
    }
  }

  async #callOnce(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    await this.link.ready(signal);
    const token = await this.login.token(signal);
    try {
      return await this.#exchange(request, token, signal);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
      return this.#exchange(request, await this.login.token(signal, token), signal);
    }
  }

  async #exchange(request: HttpRequest, token: string, signal: AbortSignal): Promise<HttpAnswer> {
    const agent = await this.link.ready(signal);
    const headers = { ...request.headers, Authorization: `Bearer ${token}`, "User-Agent": this.#userAgent };
    try {
      return await send(agent, { ...request, headers }, signal);
    } catch (error) {
      if (error instanceof LostError) this.link.lost(agent);
      if (error instanceof TimeoutError) this.link.doubt(agent);
      throw error;
    }
  }

  #sendQueued(write: QueuedWrite): Promise<HttpAnswer> {
    return within({ timeoutMs: this.#timeoutMs }, (deadline) => this.call(write, deadline.signal));
  }

  /** Return a call's options with the connection's own timeout where it says none. */
  bounded(options: CallOptions = {}): CallOptions {
    return { timeoutMs: this.#timeoutMs, ...options };
  }

  #within<T>(options: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    return within(this.bounded(options), work);
  }

  #pathOf(path: string, asked: { path?: unknown; query?: unknown }): string {
    const parameters = (asked.path ?? {}) as Record<string, string>;
    return pathOf(path, parameters) + queryOf(asked.query ?? {});
  }

  #writeOf(
    method: WriteMethod,
    path: string,
    asked: { body?: unknown; isMinimal?: boolean },
    options: WriteOptions,
  ): QueuedWrite {
    const key = options.idempotencyKey ?? randomUUID();
    const headers: Record<string, string> = { "Idempotency-Key": key };
    if (options.ifVersion !== undefined) headers["If-Match"] = `"${options.ifVersion}"`;
    if (asked.isMinimal) headers["Prefer"] = "return=minimal";
    const body = asked.body === undefined ? {} : { body: JSON.stringify(asked.body) };
    return { key, method: method.toUpperCase() as QueuedWrite["method"], path, headers, ...body };
  }

  /** Abort when the daemon turns out to be away, or nobody to be logged in. */
  #onStandstill(news: AbortController): () => void {
    const stops = [
      this.link.changed.add(({ state, error }) => {
        if (state === "away") news.abort(new UnavailableError("The daemon is away.", { cause: error }));
      }),
      this.queue.halted.add((error) => {
        news.abort(error);
      }),
    ];
    if (this.link.status.state === "away") news.abort(new UnavailableError("The daemon is away."));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** A write that waits is cancelled by the signal of its call, until it is sent. */
  #withdrawOn(signal: AbortSignal | undefined, waiting: Waiting): void {
    const cancel = (): void => {
      const error = new CancelledError("The write was cancelled before it was sent.");
      void this.queue.withdraw(waiting, error);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    waiting.settled.catch(() => undefined).finally(() => signal?.removeEventListener("abort", cancel));
  }

  async #afterWaiting<T>(error: SidecarError, waiting: Waiting, queued: Saved<T>): Promise<Saved<T>> {
    if (error instanceof UnavailableError || error instanceof TimeoutError) return queued;
    const isHalted = error instanceof UnauthenticatedError;
    if (isHalted || error instanceof CancelledError) {
      const isOut = await this.queue.withdraw(waiting, error);
      if (isHalted && !isOut) return queued; // it was sent before: whether it was done, the next login will tell
    }
    throw error;
  }
}

/** It is part of a file's name and of a header. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new InvalidError(`A client's name has letters, digits, dots, dashes and underlines, and not ${name}.`);
}

/** The daemon answers a repeated key as it did before, and a repeated DELETE with 404, which might be told as a failure. */
function isRepeatable({ method, headers }: HttpRequest): boolean {
  return method === "GET" || (method !== "DELETE" && headers?.["Idempotency-Key"] !== undefined);
}

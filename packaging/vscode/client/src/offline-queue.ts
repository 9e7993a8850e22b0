/**
 * The writes that may be delayed, in the order of their calls. One is sent at a time, each under its own Idempotency-Key
 * until the daemon has answered it: whatever breaks in between, none is lost, none is done twice, none overtakes another.
 */
import { backoffMs } from "./backoff.js";
import { pause } from "./deadline.js";
import {
  ClosedError,
  LimitExceededError,
  NotFoundError,
  RateLimitedError,
  UnauthenticatedError,
  asSidecarError,
} from "./errors.js";
import type { SidecarError } from "./errors.js";
import { internalErrorsMax, queueBytesMax, queueWritesMax, replayMsMax, retryMsMax, retryMsMin } from "./limits.js";
import { Listeners } from "./listeners.js";
import { entryOf, isPassing, isRefusal, outcomeUnknown } from "./queue-entry.js";
import type { Entry, Refusal, Waiting } from "./queue-entry.js";
import type { QueueStore, QueuedWrite } from "./queue-store.js";
import type { HttpAnswer } from "./transport/http.js";

export interface QueueOptions {
  store: QueueStore;
  /** Settles, when writes can be sent, with whose they would be. */
  ready(): Promise<string | undefined>;
  send(write: QueuedWrite): Promise<HttpAnswer>;
  /** Milliseconds since 1970. */
  now(): number;
  closing: AbortSignal;
}

export class OfflineQueue {
  /** Told of each write that is given up. */
  readonly refused = new Listeners<Refusal>();
  /** Told when nobody is logged in, so that nothing is sent until somebody is. */
  readonly halted = new Listeners<SidecarError>();
  /** Told how many wait whenever that changes. */
  readonly changed = new Listeners<number>();
  readonly #options: QueueOptions;
  readonly #entries: Entry[] = [];
  readonly #loaded: Promise<void>;
  #bytes = 0;
  #isPumping = false;
  #pumping: Promise<void> = Promise.resolve();

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#loaded = this.#load();
    this.#loaded.catch(() => undefined); // each call that needs it hears of it
  }

  get size(): number {
    return this.#entries.length;
  }

  /**
   * Put a write behind all others.
   *
   * @throws LimitExceededError Too many wait.
   * @throws ClosedError The client is closed.
   */
  add(write: QueuedWrite, owner: Promise<string | undefined>): Waiting {
    if (this.#options.closing.aborted) throw new ClosedError();
    const entry = entryOf(write);
    if (this.#entries.length >= queueWritesMax || this.#bytes + entry.bytes > queueBytesMax) {
      throw new LimitExceededError(`${this.#entries.length} writes wait for the daemon; there is no room for more.`, {
        code: "queue_full",
      });
    }
    const kept = this.#keep(entry, owner);
    kept.catch(() => undefined); // the caller is told by the rejection of both promises
    const placed = Object.assign(entry, { kept });
    this.#push(placed);
    this.wake();
    return placed;
  }

  /** Take a write out again with this error, if it was not sent yet; returns whether it was. */
  async withdraw(waiting: Waiting, error: SidecarError): Promise<boolean> {
    const entry = this.#entries.find((each) => each === waiting);
    if (entry === undefined || entry.write.triedAtMs !== undefined) return false;
    entry.reject(error);
    await this.#forget(entry);
    return true;
  }

  /** Send what waits, if it can be sent. */
  wake(): void {
    if (this.#isPumping || this.#options.closing.aborted) return;
    this.#isPumping = true;
    this.#pumping = this.#pump();
  }

  /** Settle when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#loaded;
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      const stop = this.changed.add((size) => {
        if (size > 0) return;
        stop();
        resolve();
      });
    });
  }

  /** Stop; what still waits is told, and is the store's. */
  async close(): Promise<void> {
    await this.#loaded.catch(() => undefined);
    await this.#pumping;
    await Promise.allSettled(this.#entries.map((entry) => entry.kept));
    for (const entry of this.#entries.splice(0))
      entry.reject(new ClosedError("The client was closed before this was sent."));
    await this.#options.store.close();
  }

  async #load(): Promise<void> {
    const stored = await this.#options.store.load();
    const entries = stored.map((write) => Object.assign(entryOf(write), { kept: Promise.resolve() }));
    this.#entries.unshift(...entries);
    this.#bytes += entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (entries.length > 0) this.wake();
  }

  async #keep(entry: Pick<Entry, "write" | "reject">, owner: Promise<string | undefined>): Promise<void> {
    try {
      await this.#loaded;
      const userId = await owner;
      if (userId !== undefined) entry.write.userId = userId;
      await this.#options.store.add(entry.write);
    } catch (error) {
      const lost = this.#entries.find((each) => each.write === entry.write);
      if (lost !== undefined) this.#remove(lost);
      entry.reject(asSidecarError(error));
      throw asSidecarError(error);
    }
  }

  async #pump(): Promise<void> {
    try {
      await this.#loaded;
      await this.#sendAll();
    } catch {
      // what waited before could not be read: each call is told, and nothing is sent past it
    } finally {
      this.#isPumping = false; // in the same step as the last look at the entries: no `wake` falls between the two
    }
  }

  async #sendAll(): Promise<void> {
    for (let failures = 1; this.#entries.length > 0 && !this.#options.closing.aborted; failures += 1) {
      try {
        const userId = await this.#options.ready();
        const entry = this.#entries.find((each) => (each.write.userId ?? userId) === userId);
        if (entry === undefined) return; // what waits is another user's
        await this.#advance(entry, userId);
        failures = 0;
      } catch (thrown) {
        const error = asSidecarError(thrown);
        if (error instanceof ClosedError) return;
        if (error instanceof UnauthenticatedError) {
          this.halted.tell(error);
          return; // until somebody logs in
        }
        const ms = error instanceof RateLimitedError ? error.retryAfterMs : backoffMs(failures, retryMsMin, retryMsMax);
        await pause(ms, this.#options.closing).catch(() => undefined);
      }
    }
  }

  /** Try one write in a user's name; throws when it is to be tried again. */
  async #advance(entry: Entry, userId: string | undefined): Promise<void> {
    await entry.kept.catch(() => undefined);
    if (!this.#entries.includes(entry)) return; // withdrawn, or it could not be kept
    if ((entry.write.userId ?? userId) !== userId) return; // whose it is has only now become known: another user's
    const wasTried = entry.write.triedAtMs !== undefined;
    if (wasTried && this.#options.now() - (entry.write.triedAtMs ?? 0) > replayMsMax) {
      await this.#refuse(entry, outcomeUnknown(entry.write));
      return;
    }
    await this.#note(entry, userId);
    if (!this.#entries.includes(entry)) return; // withdrawn meanwhile
    try {
      await this.#settle(entry, await this.#options.send(entry.write));
    } catch (thrown) {
      const error = asSidecarError(thrown);
      if (isPassing(error)) throw error;
      if (!isRefusal(error) && ++entry.internalErrors < internalErrorsMax) throw error;
      if (error instanceof NotFoundError && wasTried && entry.write.method === "DELETE") {
        await this.#settle(entry, { status: 204, headers: {}, content: undefined }); // the first try had done it
      } else {
        await this.#refuse(entry, error);
      }
    }
  }

  /** Note when a write was first sent, and in whose name: it may have been done from now on. */
  async #note(entry: Entry, userId: string | undefined): Promise<void> {
    if (entry.write.triedAtMs !== undefined) return;
    const tried = { triedAtMs: this.#options.now(), ...(userId !== undefined && { userId }) };
    await this.#options.store.tried(entry.write.key, tried);
    Object.assign(entry.write, tried);
  }

  async #settle(entry: Entry, answer: HttpAnswer): Promise<void> {
    entry.resolve(answer);
    await this.#forget(entry);
  }

  async #refuse(entry: Entry, error: SidecarError): Promise<void> {
    entry.reject(error);
    await this.#forget(entry);
    this.refused.tell({ write: entry.write, error });
  }

  /** A store that fails here may give the write back after a restart: its key then keeps it from being done twice. */
  async #forget(entry: Entry): Promise<void> {
    this.#remove(entry);
    try {
      await this.#options.store.done(entry.write.key);
    } catch (error) {
      process.emitWarning(asSidecarError(error));
    }
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.changed.tell(this.size);
  }

  #remove(entry: Entry): void {
    const place = this.#entries.indexOf(entry);
    if (place < 0) return;
    this.#entries.splice(place, 1);
    this.#bytes -= entry.bytes;
    this.changed.tell(this.size);
  }
}

/**
 * The writes that may be delayed, in the order of their calls. One is sent at a time, each under its own Idempotency-Key
 * until the daemon has answered it: whatever breaks in between, none is lost, none is done twice, none overtakes another.
 */
import { backoffMs } from "./backoff.js";
import { pause, within } from "./deadline.js";
import {
  ClosedError,
  NotFoundError,
  RateLimitedError,
  UnauthenticatedError,
  asSidecarError,
  storeFailure,
} from "./errors.js";
import type { SidecarError } from "./errors.js";
import { internalErrorsMax, replayMsMax, retryMsMax, retryMsMin, storeCloseMsMax } from "./limits.js";
import { Listeners } from "./listeners.js";
import { Places, entryOf, isPassing, isRefusal, outcomeUnknown } from "./queue-entry.js";
import type { Entry, Refusal, Waiting } from "./queue-entry.js";
import type { QueueStore, QueuedWrite } from "./queue-store.js";
import { Trace } from "./transport/http.js";
import type { HttpAnswer } from "./transport/http.js";

export interface QueueOptions {
  store: QueueStore;
  /** Settles, when writes can be sent, with whose they would be. */
  ready(): Promise<string | undefined>;
  /** Sends a write; notes which of its requests have left, and which the daemon has refused. */
  send(write: QueuedWrite, trace: Trace): Promise<HttpAnswer>;
  /** Milliseconds since 1970. */
  now(): number;
  closing: AbortSignal;
}

export class OfflineQueue {
  /** Told of each write that is given up. */
  readonly refused = new Listeners<Refusal>();
  /** Told when nobody is logged in, so that nothing is sent until somebody is. */
  readonly halted = new Listeners<SidecarError>();
  readonly #options: QueueOptions;
  readonly #places = new Places();
  #loaded: Promise<void> | undefined;
  /** Settles when the store was given all writes so far. */
  #given: Promise<unknown> = Promise.resolve();
  #isPumping = false;
  #pumping: Promise<void> = Promise.resolve();

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#load().catch(() => undefined); // each call that needs it hears of it
  }

  get size(): number {
    return this.#places.size;
  }

  /** Told how many wait whenever that changes. */
  get changed(): Listeners<number> {
    return this.#places.changed;
  }

  /**
   * Put a write behind all others.
   *
   * @throws LimitExceededError Too many wait.
   * @throws ClosedError The client is closed.
   */
  add(write: QueuedWrite, owner: Promise<string | undefined>): Waiting {
    owner.catch(() => undefined); // the caller is told by the rejection of both promises
    if (this.#options.closing.aborted) throw new ClosedError();
    const entry = entryOf(write);
    this.#places.add(entry);
    entry.kept = this.#keep(entry, owner);
    entry.kept.catch(() => undefined);
    this.wake();
    return entry;
  }

  /** Take a write out again with this error, if it was not sent yet; returns whether it was. */
  withdraw(waiting: Waiting, error: SidecarError): boolean {
    const entry = this.#places.find((each) => each === waiting);
    if (entry === undefined) return false;
    if (entry.write.triedAtMs !== undefined) {
      entry.withdrawal = error;
      return false;
    }
    entry.reject(error);
    void this.#forget(entry); // the store may take its time, or hang
    return true;
  }

  /** Send what waits, if it can be sent. */
  wake(): void {
    if (this.#isPumping || this.#options.closing.aborted) return;
    this.#isPumping = true;
    this.#pumping = this.#pump();
  }

  /** Tell whether nothing waits, also of what the store has. */
  async isEmpty(): Promise<boolean> {
    await this.#load();
    return this.size === 0;
  }

  /** Settle when nothing waits any more. */
  async drained(): Promise<void> {
    if (await this.isEmpty()) return;
    await new Promise<void>((resolve) => {
      const stop = this.changed.add((size) => {
        if (size > 0) return;
        stop();
        resolve();
      });
    });
  }

  /**
   * Stop; what still waits is told, and is the store's. A store that hangs is not waited for.
   *
   * @returns How many those are.
   */
  async close(): Promise<number> {
    const bounds = { timeoutMs: storeCloseMsMax };
    await within(bounds, () => this.#rested()).catch(() => undefined);
    const left = [...this.#places];
    for (const entry of left) {
      this.#places.remove(entry);
      entry.reject(new ClosedError("The client was closed before this was sent."));
    }
    await within(bounds, () => this.#options.store.close());
    return left.length;
  }

  /** Settle when the store has taken what it was given, and nothing is sent any more. */
  async #rested(): Promise<void> {
    await this.#loaded?.catch(() => undefined);
    await this.#pumping;
    await Promise.allSettled([...this.#places].map((entry) => entry.kept));
  }

  /** Read what the store has, once; when that fails, again at the next need. */
  #load(): Promise<void> {
    this.#loaded ??= this.#read().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  async #read(): Promise<void> {
    const stored = await this.#options.store.load();
    this.#places.putFirst(stored.map(entryOf));
    if (stored.length > 0) this.wake();
  }

  async #keep(entry: Entry, owner: Promise<string | undefined>): Promise<void> {
    try {
      const { added } = await this.#give(entry, owner);
      await added;
    } catch (thrown) {
      const error = storeFailure("The write can not be kept", thrown);
      this.#places.remove(entry);
      entry.reject(error);
      throw error;
    }
  }

  /** Give a write to the store, behind all that were called before it, whenever it becomes known whose those are. */
  #give(entry: Entry, owner: Promise<string | undefined>): Promise<{ added: Promise<void> }> {
    const loaded = this.#load();
    loaded.catch(() => undefined); // while those before are waited for
    const given = this.#given.then(async () => {
      await loaded;
      const userId = await owner;
      if (userId !== undefined) entry.write.userId = userId;
      const isOut = !this.#places.has(entry); // withdrawn meanwhile
      return { added: isOut ? Promise.resolve() : this.#options.store.add(entry.write) };
    });
    this.#given = given.catch(() => undefined);
    return given;
  }

  async #pump(): Promise<void> {
    try {
      await this.#load();
      await this.#sendAll();
    } catch {
      // what waited before could not be read: each call is told, and nothing is sent past it
    } finally {
      this.#isPumping = false; // in the same step as the last look at the places: no `wake` falls between the two
    }
  }

  async #sendAll(): Promise<void> {
    for (let failures = 1; this.size > 0 && !this.#options.closing.aborted; failures += 1) {
      try {
        const userId = await this.#options.ready();
        const entry = this.#places.find((each) => (each.write.userId ?? userId) === userId);
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
    await Promise.race([entry.kept, entry.settled]).catch(() => undefined);
    if (!this.#places.has(entry)) return; // withdrawn, or it could not be kept
    if ((entry.write.userId ?? userId) !== userId) return; // whose it is has only now become known: another user's
    const wasTried = entry.write.triedAtMs !== undefined;
    if (wasTried && this.#options.now() - (entry.write.triedAtMs ?? 0) > replayMsMax) {
      await this.#refuse(entry, outcomeUnknown(entry.write));
      return;
    }
    await this.#note(entry, userId);
    if (!this.#places.has(entry)) return; // withdrawn meanwhile
    const trace = new Trace();
    try {
      await this.#settle(entry, await this.#options.send(entry.write, trace));
    } catch (thrown) {
      await this.#judge(entry, asSidecarError(thrown), { wasTried, mayBeDone: wasTried || trace.mayBeDone });
    }
  }

  /** Decide what a failed try means; throws when the write is to be tried again. */
  async #judge(entry: Entry, error: SidecarError, known: { wasTried: boolean; mayBeDone: boolean }): Promise<void> {
    if (isPassing(error) || (!isRefusal(error) && ++entry.internalErrors < internalErrorsMax)) {
      if (!known.mayBeDone) await this.#takeBack(entry);
      throw error;
    }
    if (error instanceof NotFoundError && known.wasTried && entry.write.method === "DELETE") {
      await this.#settle(entry, { status: 204, headers: {}, content: undefined }); // the first try had done it
    } else {
      await this.#refuse(entry, error);
    }
  }

  /** Note when a write was first sent, and in whose name: it may have been done from now on. */
  async #note(entry: Entry, userId: string | undefined): Promise<void> {
    if (entry.write.triedAtMs !== undefined) return;
    const tried = { triedAtMs: this.#options.now(), ...(userId !== undefined && { userId }) };
    await this.#options.store.tried(entry.write.key, tried);
    Object.assign(entry.write, tried);
  }

  /** Note that a first try has done nothing: the write can be withdrawn as before, and is as long to be sent. */
  async #takeBack(entry: Entry): Promise<void> {
    delete entry.write.triedAtMs;
    if (entry.withdrawal === undefined) {
      await this.#stored(() => this.#options.store.tried(entry.write.key, null));
    } else {
      entry.reject(entry.withdrawal);
      await this.#forget(entry);
    }
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
    this.#places.remove(entry);
    await this.#stored(() => this.#options.store.done(entry.write.key));
  }

  /** Wait for what the store notes; that it failed is told, and keeps nobody waiting. */
  async #stored(note: () => Promise<void>): Promise<void> {
    try {
      await note();
    } catch (error) {
      process.emitWarning(storeFailure("What became of a write can not be noted", error));
    }
  }
}

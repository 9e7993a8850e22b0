/** The places in the queue: each a write, and whoever waits for it. And which errors pass, and which end a write. */
import {
  ClosedError,
  LimitExceededError,
  OutcomeUnknownError,
  RateLimitedError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
} from "./errors.js";
import type { SidecarError } from "./errors.js";
import { queueBytesMax, queueWritesMax } from "./limits.js";
import { Listeners } from "./listeners.js";
import type { QueuedWrite } from "./queue-store.js";
import type { HttpAnswer } from "./transport/http.js";

/** A write that the daemon refused, or that can not be sent any more; nobody may be waiting for it. */
export interface Refusal {
  write: QueuedWrite;
  error: SidecarError;
}

/** A place in the queue. */
export interface Waiting {
  readonly write: QueuedWrite;
  readonly settled: Promise<HttpAnswer>;
  /** Settles when the write is kept as safely as the store can. */
  readonly kept: Promise<void>;
}

export interface Entry extends Waiting {
  kept: Promise<void>;
  readonly bytes: number;
  internalErrors: number;
  /** Why it is to be taken out if the try that is under way turns out to have done nothing. */
  withdrawal?: SidecarError;
  resolve(answer: HttpAnswer): void;
  reject(error: SidecarError): void;
}

export function entryOf(write: QueuedWrite): Entry {
  let resolve!: Entry["resolve"];
  let reject!: Entry["reject"];
  const settled = new Promise<HttpAnswer>((...both) => {
    [resolve, reject] = both;
  });
  settled.catch(() => undefined); // whoever asked may be gone; `refused` tells too
  const bytes = Buffer.byteLength(write.body ?? "");
  return { write, kept: Promise.resolve(), bytes, internalErrors: 0, settled, resolve, reject };
}

/** The places of one queue, in order; there is room for so many. */
export class Places implements Iterable<Entry> {
  /** Told how many are taken whenever that changes. */
  readonly changed = new Listeners<number>();
  #all = new Set<Entry>();
  #bytes = 0;

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#all.values();
  }

  find(isIt: (entry: Entry) => boolean): Entry | undefined {
    for (const each of this.#all) if (isIt(each)) return each;
    return undefined;
  }

  has(entry: Entry): boolean {
    return this.#all.has(entry);
  }

  /**
   * @throws LimitExceededError There is no room.
   */
  add(entry: Entry): void {
    if (this.size >= queueWritesMax || this.#bytes + entry.bytes > queueBytesMax) {
      const message = `${this.size} writes wait for the daemon; there is no room for more.`;
      throw new LimitExceededError(message, { code: "queue_full" });
    }
    this.#all.add(entry);
    this.#bytes += entry.bytes;
    this.changed.tell(this.size);
  }

  /** Put what waited in an earlier process before all others. */
  putFirst(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#all = new Set([...entries, ...this.#all]);
    this.#bytes += entries.reduce((sum, entry) => sum + entry.bytes, 0);
    this.changed.tell(this.size);
  }

  remove(entry: Entry): void {
    if (!this.#all.delete(entry)) return;
    this.#bytes -= entry.bytes;
    this.changed.tell(this.size);
  }
}

/** What is not the write's fault, and passes. */
export function isPassing(error: SidecarError): boolean {
  return (
    error instanceof UnavailableError ||
    error instanceof TimeoutError ||
    error instanceof RateLimitedError ||
    error instanceof UnauthenticatedError ||
    error instanceof ClosedError ||
    error.status === 408 ||
    error.code === "busy" // others write the same record all the time
  );
}

/** What the daemon will not do, however often it is asked. Anything else may be a fault that a restart mends. */
export function isRefusal({ status = 0 }: SidecarError): boolean {
  return status >= 400 && status < 500;
}

export function outcomeUnknown({ method, path }: QueuedWrite): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${method} ${path} was sent, but the daemon's answer never came, and it does not remember the request any more.`,
  );
}

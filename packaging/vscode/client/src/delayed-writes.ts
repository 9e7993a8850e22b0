/** Writes that may be delayed: into the queue, and word to the caller as soon as it is known what becomes of them. */
import { Deadline, aborted, onAbort, raced } from "./deadline.js";
import type { CallOptions } from "./deadline.js";
import { CancelledError, TimeoutError, UnauthenticatedError, UnavailableError, asSidecarError } from "./errors.js";
import type { SidecarError } from "./errors.js";
import type { Link } from "./link.js";
import type { Login } from "./login.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Waiting } from "./queue-entry.js";
import type { QueuedWrite } from "./queue-store.js";
import type { HttpAnswer } from "./transport/http.js";

/** What became of a write that may be delayed: done, or waiting for the daemon under its key. */
export type Saved<T> =
  | { readonly queued: false; readonly record: T }
  | { readonly queued: true; readonly key: string; readonly settled: Promise<T> };

export class DelayedWrites {
  readonly #link: Link;
  readonly #login: Login;
  readonly #queue: OfflineQueue;

  constructor(link: Link, login: Login, queue: OfflineQueue) {
    this.#link = link;
    this.#login = login;
    this.#queue = queue;
  }

  /**
   * Put a write behind all others, and wait until it is done, or is known to have to wait.
   *
   * @param shown Makes the record of the answer.
   */
  async add<T>(write: QueuedWrite, options: CallOptions, shown: (answer: HttpAnswer) => T): Promise<Saved<T>> {
    const deadline = new Deadline(options);
    try {
      if (deadline.error) throw deadline.error;
      const waiting = this.#queue.add(write, this.#login.userId());
      const settled = waiting.settled.then(shown);
      settled.catch(() => undefined); // whoever asked may be gone; `refused` tells too
      try {
        return { queued: false, record: await this.#done(settled, deadline.signal) };
      } catch (thrown) {
        await this.#kept(waiting, deadline.signal);
        this.#giveUp(asSidecarError(thrown), waiting);
      }
      this.#withdrawOn(options.signal, waiting);
      return { queued: true, key: write.key, settled };
    } finally {
      deadline.end();
    }
  }

  /** Settle with the record, or reject when the daemon turns out to be away, or nobody to be logged in. */
  async #done<T>(settled: Promise<T>, signal: AbortSignal): Promise<T> {
    const standstill = new AbortController();
    const stops = [
      this.#link.changed.add(({ state, error }) => {
        if (state === "away") standstill.abort(new UnavailableError("The daemon is away.", { cause: error }));
      }),
      this.#queue.halted.add((error) => {
        standstill.abort(error);
      }),
    ];
    if (this.#link.status.state === "away") standstill.abort(new UnavailableError("The daemon is away."));
    try {
      return await raced(raced(settled, standstill.signal), signal);
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** Settle when the store has the write; throw when it could not keep it, or the call's time is over first. */
  async #kept(waiting: Waiting, signal: AbortSignal): Promise<void> {
    try {
      await Promise.race([waiting.kept, waiting.settled, aborted(signal)]); // what is kept is, though the time be over
    } catch (error) {
      this.#queue.withdraw(waiting, asSidecarError(error));
      throw error;
    }
  }

  /** Return if the write waits; throw why its caller gives up, and take it out of the queue if it was not sent. */
  #giveUp(error: SidecarError, waiting: Waiting): void {
    if (error instanceof UnavailableError || error instanceof TimeoutError) return;
    const isHalted = error instanceof UnauthenticatedError;
    if (!isHalted && !(error instanceof CancelledError)) throw error; // the daemon has refused it
    const isOut = this.#queue.withdraw(waiting, error);
    if (isHalted && !isOut) return; // it was sent before: whether it was done, the next login will tell
    throw error;
  }

  /** A write that waits is cancelled by the signal of its call, until it is sent. */
  #withdrawOn(signal: AbortSignal | undefined, waiting: Waiting): void {
    const cancel = (): void => {
      this.#queue.withdraw(waiting, new CancelledError("The write was cancelled before it was sent."));
    };
    if (signal === undefined) return;
    const stop = onAbort(signal, cancel);
    void waiting.settled.catch(() => undefined).finally(stop);
  }
}

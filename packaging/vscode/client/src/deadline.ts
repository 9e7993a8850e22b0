/**
 * How long a call may take, and its caller's wish to stop it: one signal for both, with a typed error as its reason.
 */
import { CancelledError, InvalidError, TimeoutError } from "./errors.js";
import type { SidecarError } from "./errors.js";
import { callMsDefault, callMsMax } from "./limits.js";

/** What every call of this package takes as its last argument. */
export interface CallOptions {
  /** How long the call may take, in milliseconds; 10,000 unless the client was made with another. */
  timeoutMs?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #cancel = (): void => {
    this.#controller.abort(new CancelledError("The call was cancelled.", { cause: this.#outer?.reason }));
  };

  constructor({ timeoutMs = callMsDefault, signal }: CallOptions) {
    if (!(timeoutMs > 0 && timeoutMs <= callMsMax)) {
      throw new InvalidError(`timeoutMs takes a number above 0 and at most ${callMsMax}, and not ${timeoutMs}.`);
    }
    this.#outer = signal;
    this.#timer = setTimeout(() => {
      this.#controller.abort(new TimeoutError(`The call was not answered within ${timeoutMs} ms.`));
    }, timeoutMs);
    if (signal?.aborted) this.#cancel();
    else signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /** Aborted when the time is over, or the caller has cancelled; its reason is the error that the call ends with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get error(): SidecarError | undefined {
    return this.signal.aborted ? (this.signal.reason as SidecarError) : undefined;
  }

  /** Wait for what others wait for too: it goes on when this call gives up. */
  race<T>(work: Promise<T>): Promise<T> {
    return raced(work, this.signal);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#cancel);
  }
}

/** Do some work that ends with the deadline, whatever it waits for. */
export async function within<T>(options: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = new Deadline(options);
  try {
    if (deadline.error) throw deadline.error;
    return await deadline.race(work(deadline));
  } finally {
    deadline.end();
  }
}

/** Settle as `work` does, or reject with the signal's reason if that comes first. */
export function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", stop);
    });
  });
}

/** Wait; rejects with the signal's reason if that comes first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

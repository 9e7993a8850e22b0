/**
 * How long a call may take, and its caller's wish to stop it: one signal for both, with a typed error as its reason.
 */
import { CancelledError, InvalidError, TimeoutError, asSidecarError } from "./errors.js";
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
  readonly #timer: NodeJS.Timeout;
  readonly #stop: (() => void) | undefined;

  constructor({ timeoutMs = callMsDefault, signal }: CallOptions) {
    if (!(timeoutMs > 0 && timeoutMs <= callMsMax)) {
      throw new InvalidError(`timeoutMs takes a number above 0 and at most ${callMsMax}, and not ${timeoutMs}.`);
    }
    this.#timer = setTimeout(() => {
      this.#controller.abort(new TimeoutError(`The call was not answered within ${timeoutMs} ms.`));
    }, timeoutMs);
    if (signal === undefined) return;
    this.#stop = onAbort(signal, () => {
      this.#controller.abort(new CancelledError("The call was cancelled.", { cause: signal.reason }));
    });
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
    this.#stop?.();
  }
}

/** Do some work that ends with the deadline, whatever it waits for. */
export async function within<T>(options: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = new Deadline(options);
  try {
    if (deadline.error) throw deadline.error;
    return await deadline.race(work(deadline));
  } catch (error) {
    throw asSidecarError(error);
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

/** Never settle but by the signal: reject with its reason. */
export function aborted(signal: AbortSignal): Promise<never> {
  return raced(new Promise<never>(() => undefined), signal);
}

/** All who wait for one signal. */
class Hearers {
  readonly calls = new Set<() => void>();

  handleEvent(): void {
    for (const call of [...this.calls]) call();
  }
}

const hearers = new WeakMap<AbortSignal, Hearers>();

/**
 * Call something when a signal is aborted, at once if it is already; returns what ends that. However many wait for one
 * signal, it has one listener: a host may have one signal for all its calls, and Node warns where it has many.
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  if (signal.aborted) {
    call();
    return () => undefined;
  }
  const all = hearers.get(signal) ?? new Hearers();
  if (all.calls.size === 0) signal.addEventListener("abort", all, { once: true });
  hearers.set(signal, all);
  const own = (): void => {
    call();
  };
  all.calls.add(own);
  return () => {
    all.calls.delete(own);
    if (all.calls.size === 0) signal.removeEventListener("abort", all);
  };
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

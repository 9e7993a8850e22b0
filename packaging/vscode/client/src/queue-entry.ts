/** A place in the queue: the write, and whoever waits for it. And which errors pass, and which end a write. */
import {
  ClosedError,
  OutcomeUnknownError,
  RateLimitedError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
} from "./errors.js";
import type { SidecarError } from "./errors.js";
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
  readonly bytes: number;
  internalErrors: number;
  resolve(answer: HttpAnswer): void;
  reject(error: SidecarError): void;
}

export function entryOf(write: QueuedWrite): Omit<Entry, "kept"> {
  let resolve!: Entry["resolve"];
  let reject!: Entry["reject"];
  const settled = new Promise<HttpAnswer>((...both) => {
    [resolve, reject] = both;
  });
  settled.catch(() => undefined); // whoever asked may be gone; `refused` tells too
  return { write, bytes: Buffer.byteLength(write.body ?? ""), internalErrors: 0, settled, resolve, reject };
}

/** What is not the write's fault, and passes. */
export function isPassing(error: SidecarError): boolean {
  return (
    error instanceof UnavailableError ||
    error instanceof TimeoutError ||
    error instanceof RateLimitedError ||
    error instanceof UnauthenticatedError ||
    error instanceof ClosedError ||
    error.status === 408
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

/**
 * Where writes wait. In memory they are lost when the host ends; a file (`file-queue-store.ts`), or what the host
 * injects, keeps them over its restarts.
 */

/** A write that waits, whole: what is sent, in whose name, and whether it may have been done already. */
export interface QueuedWrite {
  /** Its Idempotency-Key, which no other has. */
  key: string;
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  headers: Readonly<Record<string, string>>;
  /** JSON text. */
  body?: string;
  /** Whose write it is; nobody else's login sends it. Undefined while nobody has logged in yet. */
  userId?: string;
  /** When it was first sent, milliseconds since 1970; its outcome is unknown since then. */
  triedAtMs?: number;
}

/** What becomes known of a write when it is first sent. */
export type Tried = Pick<QueuedWrite, "userId"> & Required<Pick<QueuedWrite, "triedAtMs">>;

/** What is called before the last call has settled takes effect behind it: the order of the calls is the writes' own. */
export interface QueueStore {
  /** Return what waits, the oldest first. Asked before anything else, until it has succeeded once. */
  load(): Promise<QueuedWrite[]>;
  /** Keep a write behind all others; when this settles, it is as safe as the store can make it. */
  add(write: QueuedWrite): Promise<void>;
  /** Note that a write is about to be sent for the first time; null: it was not done after all, so the next is the first. */
  tried(key: string, tried: Tried | null): Promise<void>;
  /** Forget a write; perhaps one that was never added. */
  done(key: string): Promise<void>;
  close(): Promise<void>;
}

/** The default: keeps nothing that the queue does not hold itself. */
export class MemoryQueueStore implements QueueStore {
  load(): Promise<QueuedWrite[]> {
    return Promise.resolve([]);
  }

  add(): Promise<void> {
    return Promise.resolve();
  }

  tried(): Promise<void> {
    return Promise.resolve();
  }

  done(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

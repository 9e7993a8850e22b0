/**
 * Writes that wait in a file, so that they outlast the host: a journal of lines, synced before a write counts as queued.
 * One process has it at a time; each window takes a file of its own.
 */
import { mkdir, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { ConflictError, ForbiddenError, InvalidError, LimitExceededError, storeFailure } from "./errors.js";
import { FileLock } from "./file-lock.js";
import { journalBytesMax, journalBytesSpareMax, journalLinesSpareMax } from "./limits.js";
import type { QueueStore, QueuedWrite, Tried } from "./queue-store.js";
import { readPrivate, replacePrivate } from "./transport/private-file.js";

type Line = { add: QueuedWrite } | { tried: string; as: Tried | null } | { done: string };

/** A write that waits, and how long its line is. */
interface Kept {
  write: QueuedWrite;
  bytes: number;
}

export class FileQueueStore implements QueueStore {
  readonly path: string;
  readonly #lock: FileLock;
  readonly #waiting = new Map<string, Kept>();
  #file: FileHandle | undefined;
  /** Of the file, as far as it is known to be whole. */
  #bytes = 0;
  #lines = 0;
  #waitingBytes = 0;
  /** Whether something may stand behind the whole lines: what a failed append has left. */
  #isRagged = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
    this.#lock = new FileLock(path);
  }

  /**
   * @throws ConflictError Another process has the file.
   * @throws ForbiddenError Another user could have written it.
   * @throws InvalidError It is no journal.
   * @throws LimitExceededError It is larger than any journal.
   */
  load(): Promise<QueuedWrite[]> {
    return this.#inTurn(async () => {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await this.#lock.take();
      try {
        await this.#read();
      } catch (error) {
        await this.#release();
        await this.#lock.giveBack();
        throw error;
      }
      return [...this.#waiting.values()].map(({ write }) => write);
    });
  }

  add(write: QueuedWrite): Promise<void> {
    return this.#append({ add: { ...write } }, true);
  }

  /** Not synced: only a loss of power right now could make a repeat of an old write look like its first try. */
  tried(key: string, as: Tried | null): Promise<void> {
    return this.#append({ tried: key, as }, false);
  }

  /** Not synced: a write that comes back is sent under its old key, which the daemon knows. */
  done(key: string): Promise<void> {
    return this.#append({ done: key }, false);
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#lock.isTaken) return;
      try {
        if (this.#spareLines > 0 || this.#isRagged) await this.#tidied();
        await this.#file?.sync();
      } finally {
        await this.#release();
        await this.#lock.giveBack();
      }
    });
  }

  get #spareLines(): number {
    return this.#lines - this.#waiting.size;
  }

  /** Whether so much of the file is of no use any more that it is worth the work to write it anew. */
  get #isWasteful(): boolean {
    const isLong = this.#spareLines > journalLinesSpareMax && this.#spareLines > this.#waiting.size;
    return isLong || this.#bytes - this.#waitingBytes > journalBytesSpareMax;
  }

  /** Take what the file holds, and leave only what waits in it; where that is not possible, it is as good as it is. */
  async #read(): Promise<void> {
    const found = await readPrivate(this.path, journalBytesMax);
    if (found?.isOpen) throw new ForbiddenError(`${this.path} can be read by others; remove it.`);
    this.#waiting.clear();
    this.#bytes = this.#lines = this.#waitingBytes = 0;
    for (const { line, bytes } of linesOf(found?.content ?? Buffer.of(), this.path)) {
      this.#apply(line, bytes);
      this.#bytes += bytes;
      this.#lines += 1;
    }
    try {
      await this.#rewrite();
    } catch (error) {
      if (found === undefined) throw error;
      this.#file = await open(this.path, "r+");
      await this.#cut(this.#file);
      process.emitWarning(storeFailure(`${this.path} can not be written anew`, error)); // a full disk, perhaps
    }
  }

  #append(line: Line, isSynced: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) throw new ConflictError(`${this.path} is not open.`);
      const text = Buffer.from(textOf(line));
      if (this.#bytes + text.length > journalBytesMax) throw new LimitExceededError(`${this.path} has no more room.`);
      await this.#put(this.#file, text, isSynced);
      this.#apply(line, text.length);
      if (this.#isWasteful) await this.#tidied();
    });
  }

  /** Put a line behind the others; when that fails, nothing of it stays. */
  async #put(file: FileHandle, text: Buffer, isSynced: boolean): Promise<void> {
    if (this.#isRagged) await this.#cut(file);
    try {
      for (let at = 0; at < text.length;) {
        at += (await file.write(text, at, text.length - at, this.#bytes + at)).bytesWritten;
      }
      if (isSynced) await file.sync();
    } catch (error) {
      this.#isRagged = true;
      await this.#cut(file).catch(() => undefined); // it is tried again before the next line
      throw error;
    }
    this.#bytes += text.length;
    this.#lines += 1;
  }

  async #cut(file: FileHandle): Promise<void> {
    await file.truncate(this.#bytes);
    this.#isRagged = false;
  }

  #apply(line: Line, bytes: number): void {
    if ("add" in line) {
      this.#forget(line.add.key);
      this.#waiting.set(line.add.key, { write: line.add, bytes });
      this.#waitingBytes += bytes;
    } else if ("done" in line) {
      this.#forget(line.done);
    } else {
      const { write } = this.#waiting.get(line.tried) ?? {};
      if (write === undefined) return;
      if (line.as === null) delete write.triedAtMs;
      else Object.assign(write, line.as);
    }
  }

  #forget(key: string): void {
    this.#waitingBytes -= this.#waiting.get(key)?.bytes ?? 0;
    this.#waiting.delete(key);
  }

  /** Write the file anew; when that fails, the old one is as good, only longer. */
  async #tidied(): Promise<void> {
    try {
      await this.#rewrite();
    } catch (error) {
      process.emitWarning(storeFailure(`${this.path} can not be written anew`, error));
    }
  }

  /** Put only what waits into the file. */
  async #rewrite(): Promise<void> {
    const wasOpen = this.#file !== undefined;
    const kept = [...this.#waiting.values()].map(({ write }) => ({ write, text: Buffer.from(textOf({ add: write })) }));
    const content = Buffer.concat(kept.map(({ text }) => text));
    try {
      this.#file = await replacePrivate(this.path, content, () => this.#release());
    } catch (error) {
      if (wasOpen) this.#file ??= await open(this.path, "r+");
      throw error;
    }
    for (const { write, text } of kept) this.#waiting.set(write.key, { write, bytes: text.length });
    this.#lines = kept.length;
    this.#bytes = this.#waitingBytes = content.length;
    this.#isRagged = false;
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** One after the other, in the order of the calls. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function textOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * The last line may be half: what ended in the middle of it had not been told that its write was kept. A loss of power may
 * leave zeros in the place of lines that were not synced; those of writes that wait all were.
 */
function* linesOf(content: Buffer, path: string): Generator<{ line: Line; bytes: number }> {
  let number = 1;
  for (let from = 0, to = content.indexOf("\n"); to >= 0; from = to + 1, to = content.indexOf("\n", from)) {
    const text = content.toString("utf8", from, to).replace(/^\0+/, "");
    yield { line: lineOf(text, `${path}, line ${number}`), bytes: to + 1 - from };
    number += 1;
  }
}

function lineOf(text: string, place: string): Line {
  let cause: unknown;
  try {
    const value: unknown = JSON.parse(text);
    if (isLine(value)) return value;
  } catch (error) {
    cause = error;
  }
  throw new InvalidError(`${place}, is not a line of a journal.`, { cause });
}

function isLine(value: unknown): value is Line {
  if (!isObject(value)) return false;
  if ("tried" in value) return value["as"] === null || isObject(value["as"]);
  if ("done" in value) return true;
  const { add } = value;
  return isObject(add) && [add["key"], add["method"], add["path"]].every((each) => typeof each === "string");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

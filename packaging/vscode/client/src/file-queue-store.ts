/**
 * Writes that wait in a file, so that they outlast the host: a journal of lines, synced before a write counts as queued.
 * One process has it at a time; each window takes a file of its own.
 */
import { constants } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { ConflictError, ForbiddenError, InvalidError } from "./errors.js";
import { journalBytesMax, journalLinesSpareMax } from "./limits.js";
import type { QueueStore, QueuedWrite, Tried } from "./queue-store.js";
import { readPrivate, writePrivate } from "./transport/private-file.js";

type Line = { add: QueuedWrite } | { tried: string; as: Tried } | { done: string };

export class FileQueueStore implements QueueStore {
  readonly path: string;
  readonly #lock: string;
  readonly #waiting = new Map<string, QueuedWrite>();
  #file: FileHandle | undefined;
  #spareLines = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
    this.#lock = `${path}.lock`;
  }

  /**
   * @throws ConflictError Another process has the file.
   * @throws ForbiddenError Another user could have written it.
   * @throws InvalidError It is no journal.
   */
  load(): Promise<QueuedWrite[]> {
    return this.#inTurn(async () => {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await this.#take();
      const found = await readPrivate(this.path, journalBytesMax);
      if (found?.isOpen) throw new ForbiddenError(`${this.path} can be read by others; remove it.`);
      for (const line of linesOf(found?.content.toString("utf8") ?? "", this.path)) this.#apply(line);
      await this.#rewrite();
      return [...this.#waiting.values()];
    });
  }

  add(write: QueuedWrite): Promise<void> {
    return this.#append({ add: { ...write } }, true);
  }

  /** Not synced: only a loss of power right now could make a repeat of an old write look like its first try. */
  tried(key: string, as: Tried): Promise<void> {
    return this.#append({ tried: key, as }, false);
  }

  /** Not synced: a write that comes back is sent under its old key, which the daemon knows. */
  done(key: string): Promise<void> {
    return this.#append({ done: key }, false);
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) return;
      await this.#file.sync();
      await this.#file.close();
      this.#file = undefined;
      await rm(this.#lock, { force: true });
    });
  }

  #append(line: Line, isSynced: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) throw new ConflictError(`${this.path} is not open.`);
      await this.#file.appendFile(`${JSON.stringify(line)}\n`);
      if (isSynced) await this.#file.sync();
      this.#apply(line);
      if (this.#spareLines > journalLinesSpareMax && this.#spareLines > this.#waiting.size) await this.#rewrite();
    });
  }

  #apply(line: Line): void {
    if ("add" in line) {
      this.#waiting.set(line.add.key, line.add);
      return;
    }
    this.#spareLines += 1;
    if ("done" in line) {
      if (this.#waiting.delete(line.done)) this.#spareLines += 1;
      return;
    }
    const write = this.#waiting.get(line.tried);
    if (write !== undefined) Object.assign(write, line.as);
  }

  /** Put only what waits into the file. */
  async #rewrite(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const lines = [...this.#waiting.values()].map((add) => `${JSON.stringify({ add })}\n`);
    await writePrivate(this.path, lines.join(""));
    this.#file = await open(this.path, constants.O_WRONLY | constants.O_APPEND);
    this.#spareLines = 0;
  }

  /** Take the lock, also from a process that has ended without giving it back. */
  async #take(): Promise<void> {
    for (let tries = 0; tries < 2; tries += 1) {
      try {
        await writeFile(this.#lock, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const pid = Number(await readFile(this.#lock, "utf8").catch(() => ""));
      if (pid > 0 && isRunning(pid)) {
        throw new ConflictError(`${this.path} is in use by process ${pid}; each window takes a file of its own.`);
      }
      await rm(this.#lock, { force: true });
    }
    throw new ConflictError(`${this.path} is in use by another process.`);
  }

  /** One after the other, in the order of the calls. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** The last line may be half: what ended in the middle of it had not been told that its write was kept. */
function* linesOf(text: string, path: string): Generator<Line> {
  const lines = text.split("\n");
  lines.pop();
  for (const [number, line] of lines.entries()) {
    try {
      yield JSON.parse(line) as Line;
    } catch (error) {
      throw new InvalidError(`${path}, line ${number + 1}, is not a line of a journal.`, { cause: error });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

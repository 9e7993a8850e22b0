/** A file that says which process has another file, so that one has it at a time. Left by one that ended, it is taken over. */
import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { ConflictError } from "./errors.js";
import { removeDrafts } from "./transport/private-file.js";

export class FileLock {
  readonly #locked: string;
  readonly #path: string;
  #isTaken = false;

  constructor(locked: string) {
    this.#locked = locked;
    this.#path = `${locked}.lock`;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /**
   * @throws ConflictError Another process has it, or another part of this one.
   */
  async take(): Promise<void> {
    await removeDrafts(this.#path);
    const draft = `${this.#path}.${randomBytes(6).toString("hex")}.new`; // linked when it is whole: none is seen empty
    try {
      await writeFile(draft, `${process.pid} ${await startOf(process.pid)}\n`, { flag: "wx", mode: 0o600 });
      if (!(await isLinked(draft, this.#path))) await this.#takeOver(draft);
      this.#isTaken = true;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async giveBack(): Promise<void> {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    await rm(this.#path, { force: true });
  }

  /** One at a time, or the second to see an old lock could remove the new one of the first. */
  async #takeOver(draft: string): Promise<void> {
    await this.#refuseIfHeld();
    const turn = `${this.#path}.turn`;
    const left = await contentOf(turn);
    if (left !== "" && (await holderIn(left)) === undefined) await rm(turn, { force: true }); // killed right here
    if (!(await isLinked(draft, turn))) throw this.#conflict();
    try {
      await this.#refuseIfHeld(); // by who had the turn before
      await rm(this.#path, { force: true });
      if (!(await isLinked(draft, this.#path))) throw this.#conflict();
    } finally {
      await rm(turn, { force: true });
    }
  }

  async #refuseIfHeld(): Promise<void> {
    const pid = await holderIn(await contentOf(this.#path));
    if (pid !== undefined) throw this.#conflict(`process ${pid}`);
  }

  #conflict(holder = "another process"): ConflictError {
    return new ConflictError(`${this.#locked} is in use by ${holder}; each window takes a file of its own.`);
  }
}

/** Put a file in a second place, if there is nothing yet. */
async function isLinked(file: string, place: string): Promise<boolean> {
  try {
    await link(file, place);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Return the process that a lock names, if it still runs. */
async function holderIn(content: string): Promise<number | undefined> {
  const [pidText = "", start = ""] = content.split(/\s/);
  const pid = Number(pidText);
  if (!(pid > 0) || !isRunning(pid)) return undefined;
  const startNow = await startOf(pid);
  const isAnother = start !== "" && startNow !== "" && start !== startNow; // its number was given again
  return isAnother ? undefined : pid;
}

/** Return what a lock says; nothing when it is not there. */
async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
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

/** Return what tells a process from an earlier one of the same number; empty where the system does not tell (not Linux). */
async function startOf(pid: number): Promise<string> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
    const status = await readFile(`/proc/${pid}/stat`, "latin1");
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" "); // the name before may have spaces
    return `${boot.trim()}/${fields[19] ?? ""}`; // ticks from the boot to its start
  } catch {
    return "";
  }
}

/** Small files that are the user's alone: read only when nobody else could have written them, written as 0600. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ForbiddenError, LimitExceededError } from "../errors.js";
import { draftMsMax } from "../limits.js";

export interface PrivateFile {
  content: Buffer;
  /** Whether others than the owner may read it. */
  isOpen: boolean;
}

const isWindows = process.platform === "win32"; // there a user's own folders are closed to others by their access lists
const readFlags = isWindows ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Return a small file that only its owner may write, or undefined when it is not there.
 *
 * @throws ForbiddenError It belongs to somebody else, others could write it, or it is no plain file.
 * @throws LimitExceededError It is too large; it is never cut.
 */
export async function readPrivate(path: string, bytesMax: number): Promise<PrivateFile | undefined> {
  let file;
  try {
    file = await open(path, readFlags);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ForbiddenError(`${path} can not be read: ${message}.`, { cause: error });
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new ForbiddenError(`${path} is not a plain file; remove it.`);
    if (!isWindows && (status.uid !== process.geteuid?.() || (status.mode & 0o022) !== 0)) {
      throw new ForbiddenError(`${path} can be written by another user; remove it.`);
    }
    if (status.size > bytesMax) {
      throw new LimitExceededError(`${path} has ${status.size} bytes, of at most ${bytesMax}; move it away.`);
    }
    const buffer = Buffer.alloc(status.size);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { content: buffer.subarray(0, bytesRead), isOpen: !isWindows && (status.mode & 0o077) !== 0 };
  } finally {
    await file.close();
  }
}

/** Replace a file in one step, readable by its owner alone; it is on disk when this returns, its name where folders sync. */
export async function writePrivate(path: string, content: string): Promise<void> {
  await (await replacePrivate(path, content)).close();
}

/**
 * Replace a file as `writePrivate` does, and return the new one, open.
 *
 * @param release Called when the new one is on disk, just before it takes the place: closes the old one, which Windows
 *   would not replace while it is open.
 */
export async function replacePrivate(
  path: string,
  content: string | Buffer,
  release?: () => Promise<void>,
): Promise<FileHandle> {
  await makePrivateFolder(dirname(path));
  await removeDrafts(path);
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
    await release?.();
    await rename(draft, path);
    await syncFolder(dirname(path));
    return file;
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
}

/** Remove what was left beside a file by processes that were killed while they wrote it: it may hold a secret. */
export async function removeDrafts(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.[0-9a-f]{12}\.new$/.test(name)) continue;
    const draft = join(folder, name);
    const { mtimeMs } = (await lstat(draft).catch(() => undefined)) ?? { mtimeMs: Date.now() }; // another removed it
    if (Date.now() - mtimeMs > draftMsMax) await rm(draft, { force: true });
  }
}

/** Have a rename on disk. Where a folder can not be synced (Windows), a loss of power may bring the old file back. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/** Make a folder that only its owner can enter; one that is there stays as it is. */
export async function makePrivateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined && !isWindows) await chmod(folder, 0o700);
}

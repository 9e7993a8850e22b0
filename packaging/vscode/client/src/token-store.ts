/**
 * Where a refresh token is kept between two starts of the host: a place for one text, which the host may inject (an
 * editor's secret storage, say). The default is a file that its owner alone can read.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { tokenFileBytesMax } from "./limits.js";
import { readPrivate, writePrivate } from "./transport/private-file.js";

export interface TokenStore {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
  remove(): Promise<void>;
}

/** A file with mode 0600 in a folder with mode 0700. One that others could read is no secret any more, and thrown away. */
export class FileTokenStore implements TokenStore {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The file of a client's name below the daemon's state folder: all windows of one host share it. */
  static ofClient(stateDir: string, name: string): FileTokenStore {
    return new FileTokenStore(join(stateDir, "clients", `${name}.json`));
  }

  async read(): Promise<string | undefined> {
    const file = await readPrivate(this.path, tokenFileBytesMax);
    if (file === undefined) return undefined;
    if (!file.isOpen) return file.content.toString("utf8");
    await this.remove();
    return undefined;
  }

  write(text: string): Promise<void> {
    return writePrivate(this.path, text);
  }

  remove(): Promise<void> {
    return rm(this.path, { force: true });
  }
}

/** Forgets when the process ends. */
export class MemoryTokenStore implements TokenStore {
  #text: string | undefined;

  read(): Promise<string | undefined> {
    return Promise.resolve(this.#text);
  }

  write(text: string): Promise<void> {
    this.#text = text;
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.#text = undefined;
    return Promise.resolve();
  }
}

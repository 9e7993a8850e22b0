/**
 * The login as the token store holds it, and as it is while the store can not take it: a refresh token is good once, so
 * that one the daemon has just given must not be lost with a full disk.
 */
import { storeFailure } from "./errors.js";
import { tokenStoreMsMin } from "./limits.js";
import type { TokenStore } from "./token-store.js";

/** How a login was opened: `paired` can be opened again without anybody's help. */
export type LoginKind = "paired" | "account";

/** What the store holds. Without a refresh token: logged out, and to stay so until somebody logs in. */
export interface Kept {
  kind: LoginKind;
  user_id?: string;
  refresh_token?: string;
}

/** What the store could not take. */
interface Unstored {
  kept: Kept;
  /** What the store held then; null when it could not be read either. */
  over: string | undefined | null;
  /** When it was last tried, by `performance.now()`. */
  triedAtMs: number;
}

export class StoredLogin {
  readonly #store: TokenStore;
  #unstored: Unstored | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: TokenStore) {
    this.#store = store;
  }

  /**
   * Return the newest login: the store's, or what it could not take, unless another window has written to it since.
   *
   * @throws UnavailableError The store can not be read.
   */
  async read(): Promise<Kept | undefined> {
    let text: string | undefined;
    try {
      text = await this.#store.read();
    } catch (error) {
      if (this.#unstored !== undefined) return this.#unstored.kept;
      throw storeFailure("The login's store can not be read", error);
    }
    if (this.#unstored === undefined) return keptIn(text);
    if (this.#unstored.over === null || this.#unstored.over === text) return this.#unstored.kept;
    this.#unstored = undefined;
    return keptIn(text);
  }

  /**
   * Put a login, or none, into the store. When it can not take it, `read` returns it all the same.
   *
   * @throws UnavailableError The store can not take it.
   */
  write(kept: Kept): Promise<void> {
    return this.#inTurn(() => this.#put(kept));
  }

  /** Give the store again what it could not take, now and then; nobody waits for that. */
  retry(): void {
    const unstored = this.#unstored;
    if (unstored === undefined || performance.now() - unstored.triedAtMs < tokenStoreMsMin) return;
    unstored.triedAtMs = performance.now();
    const stored = this.#inTurn(async () => {
      if ((await this.read()) === unstored.kept) await this.#put(unstored.kept);
    });
    stored.catch(() => undefined); // told when it failed first
  }

  async #put(kept: Kept): Promise<void> {
    try {
      await this.#store.write(JSON.stringify(kept));
      this.#unstored = undefined;
    } catch (error) {
      const over = await this.#store.read().catch(() => null);
      this.#unstored = { kept, over, triedAtMs: performance.now() };
      throw storeFailure("The login can not be stored", error);
    }
  }

  /** One after the other, in the order of the calls. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function keptIn(text: string | undefined): Kept | undefined {
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text) as Partial<Kept> | null;
    return kept?.kind === "paired" || kept?.kind === "account" ? (kept as Kept) : undefined;
  } catch {
    return undefined; // damaged: the machine's owner pairs anew
  }
}

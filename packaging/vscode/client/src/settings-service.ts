/** Settings: any JSON by category and key, of the user who is logged in. */
import type { Connection, WriteOptions } from "./connection.js";
import type { Saved } from "./delayed-writes.js";
import type { CallOptions } from "./deadline.js";
import { NotFoundError } from "./errors.js";
import type { Subscription } from "./transport/ws.js";
import type { Setting } from "./types.js";

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const place = "/api/v5/settings/{category}/{key}";

export class SettingsService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Yield all settings, by category and key. */
  all(options?: CallOptions): AsyncGenerator<Setting> {
    return this.#connection.all("/api/v5/settings", {}, options);
  }

  /** Return a setting; a `NotFoundError` when there is none. */
  async get(category: string, key: string, options?: CallOptions): Promise<Setting> {
    return (await this.#connection.read(place, { path: { category, key } }, options)) as Setting;
  }

  /** Return a setting's value, or undefined when there is none. */
  async find(category: string, key: string, options?: CallOptions): Promise<Json | undefined> {
    try {
      return (await this.get(category, key, options)).value as Json;
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /** Give a setting a value; may be delayed. */
  set(category: string, key: string, value: Json, options: WriteOptions = {}): Promise<Saved<Setting>> {
    const asked = { path: { category, key }, body: { value } };
    return this.#connection.delay("put", place, asked, options, (answer) => answer.content as Setting);
  }

  /** Delete a setting; may be delayed. */
  remove(category: string, key: string, options: WriteOptions = {}): Promise<Saved<void>> {
    return this.#connection.delay("delete", place, { path: { category, key } }, options, () => undefined);
  }

  /** Hear of every setting that is made, changed or deleted; its value has to be asked for. */
  changes(options: { since?: string; signal?: AbortSignal } = {}): Subscription {
    return this.#connection.subscribe({ topics: ["settings"], ...options });
  }
}

/** Watched folders, the files in them as the daemon's index knows them, and every change of either. */
import type { Connection, WriteOptions } from "./connection.js";
import type { CallOptions } from "./deadline.js";
import type { QueryOf } from "./operations.js";
import type { Subscription } from "./transport/ws.js";
import type { File, Page, Topic, Workspace } from "./types.js";

export type FilesQuery = QueryOf<"get", "/api/v5/files">;

export class FileService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Have a folder watched, from now on and after every start; one that is already is returned as it is. */
  async watch(path: string, options?: WriteOptions): Promise<Workspace> {
    return (await this.#connection.write("post", "/api/v5/workspaces", { body: { path } }, options)) as Workspace;
  }

  /** Return a watched folder and how far its index is. */
  async workspace(id: string, options?: CallOptions): Promise<Workspace> {
    return (await this.#connection.read("/api/v5/workspaces/{id}", { path: { id } }, options)) as Workspace;
  }

  /** Yield all watched folders. */
  workspaces(options?: CallOptions): AsyncGenerator<Workspace> {
    return this.#connection.all("/api/v5/workspaces", {}, options);
  }

  /** Compare a whole folder with its index. */
  async rescan(id: string, options?: WriteOptions): Promise<Workspace> {
    const asked = { path: { id } };
    return (await this.#connection.write("post", "/api/v5/workspaces/{id}/rescan", asked, options)) as Workspace;
  }

  /** Stop watching a folder; what is known of it stays. */
  async unwatch(id: string, options?: WriteOptions): Promise<void> {
    await this.#connection.write("delete", "/api/v5/workspaces/{id}", { path: { id } }, options);
  }

  async get(id: string, options?: CallOptions): Promise<File> {
    return (await this.#connection.read("/api/v5/files/{id}", { path: { id } }, options)) as File;
  }

  /** Return a file by its folder and its path in it, with `/` on every platform. */
  async getByPath(workspacePath: string, path: string, options?: CallOptions): Promise<File> {
    const asked = { query: { workspace_path: workspacePath, path } };
    return (await this.#connection.read("/api/v5/files/by-path", asked, options)) as File;
  }

  /** Return a page of files, by path. */
  async list(query: FilesQuery, options?: CallOptions): Promise<Page<File>> {
    return (await this.#connection.read("/api/v5/files", { query }, options)) as Page<File>;
  }

  /** Yield all files, by path, page by page. */
  all(query: FilesQuery, options?: CallOptions): AsyncGenerator<File> {
    return this.#connection.all("/api/v5/files", { query: { limit: 1_000, ...query } }, options);
  }

  /** Hear of every file of a folder that is made, changed or deleted, and with `progress` of its scans. */
  changes(
    workspacePath: string,
    { progress = false, ...options }: { progress?: boolean; since?: string; signal?: AbortSignal } = {},
  ): Subscription {
    const topics: Topic[] = progress ? ["files", "progress"] : ["files"];
    return this.#connection.subscribe({ topics, workspacePath, ...options });
  }
}

/** Sessions: what somebody was doing in a workspace, with its history. */
import type { Connection, WriteOptions } from "./connection.js";
import type { Saved } from "./delayed-writes.js";
import type { CallOptions } from "./deadline.js";
import type { QueryOf } from "./operations.js";
import type { HttpAnswer } from "./transport/http.js";
import type { Subscription } from "./transport/ws.js";
import type { Differences, Note, Page, Session, SessionBody, SessionPatch, SessionSummary, Snapshot } from "./types.js";

export type SessionsQuery = QueryOf<"get", "/api/v5/sessions">;

/** What a save answers: the session's version after it. */
export interface Stamp {
  id: string;
  version: number;
}

type NoteList = "facts" | "decisions";

export class SessionService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Begin a session. */
  async create(body: SessionBody, options?: WriteOptions): Promise<Session> {
    return (await this.#connection.write("post", "/api/v5/sessions", { body }, options)) as Session;
  }

  /** Return the session of a workspace and branch that was active last, or begin one. */
  async resume(
    place: { workspace_path: string; git_branch?: string | null; name?: string },
    options?: WriteOptions,
  ): Promise<Session> {
    return (await this.#connection.write("post", "/api/v5/sessions/resume", { body: place }, options)) as Session;
  }

  async get(id: string, options?: CallOptions): Promise<Session> {
    return (await this.#connection.read("/api/v5/sessions/{id}", { path: { id } }, options)) as Session;
  }

  /** Return a page of sessions, without their state, the last active first. */
  async list(query: SessionsQuery = {}, options?: CallOptions): Promise<Page<SessionSummary>> {
    return (await this.#connection.read("/api/v5/sessions", { query }, options)) as Page<SessionSummary>;
  }

  /** Yield all sessions, page by page. */
  all(query: SessionsQuery = {}, options?: CallOptions): AsyncGenerator<SessionSummary> {
    return this.#connection.all("/api/v5/sessions", { query }, options);
  }

  /** Merge a patch into a session; may be delayed. */
  save(id: string, patch: SessionPatch, options: WriteOptions = {}): Promise<Saved<Stamp>> {
    const asked = { path: { id }, body: patch, isMinimal: true };
    return this.#connection.delay("patch", "/api/v5/sessions/{id}", asked, options, (answer) => stamp(id, answer));
  }

  /** Put another state in place of the whole session's; may be delayed. */
  replace(id: string, body: SessionBody, options: WriteOptions = {}): Promise<Saved<Stamp>> {
    const asked = { path: { id }, body, isMinimal: true };
    return this.#connection.delay("put", "/api/v5/sessions/{id}", asked, options, (answer) => stamp(id, answer));
  }

  /** Delete a session and its history; its children stay. May be delayed. */
  remove(id: string, options: WriteOptions = {}): Promise<Saved<void>> {
    return this.#connection.delay("delete", "/api/v5/sessions/{id}", { path: { id } }, options, () => undefined);
  }

  /** Begin a session with the state that this one has now, and this one for its parent. */
  async fork(id: string, name?: string, options?: WriteOptions): Promise<Session> {
    const asked = { path: { id }, body: name === undefined ? {} : { name } };
    return (await this.#connection.write("post", "/api/v5/sessions/{id}/fork", asked, options)) as Session;
  }

  async children(id: string, query: { cursor?: string; limit?: number } = {}, options?: CallOptions) {
    const asked = { path: { id }, query };
    return (await this.#connection.read("/api/v5/sessions/{id}/children", asked, options)) as Page<SessionSummary>;
  }

  /** Return sessions that have to do with this one, the nearest first. */
  async related(id: string, options?: CallOptions): Promise<SessionSummary[]> {
    const page = await this.#connection.read("/api/v5/sessions/{id}/related", { path: { id } }, options);
    return (page as Page<SessionSummary>).items;
  }

  /** Keep the state as it is now; with a label for good. */
  async snapshot(id: string, label?: string, options?: WriteOptions): Promise<Snapshot> {
    const asked = { path: { id }, body: label === undefined ? {} : { label } };
    return (await this.#connection.write("post", "/api/v5/sessions/{id}/snapshots", asked, options)) as Snapshot;
  }

  /** Return a page of a session's snapshots, the newest first. */
  async snapshots(id: string, query: { cursor?: string; limit?: number } = {}, options?: CallOptions) {
    const asked = { path: { id }, query };
    return (await this.#connection.read("/api/v5/sessions/{id}/snapshots", asked, options)) as Page<Snapshot>;
  }

  /** Compare two snapshots; without the second, with the state as it is now. */
  async compare(id: string, fromId: string, toId?: string, options?: CallOptions): Promise<Differences> {
    const asked = { path: { id }, query: { from_id: fromId, ...(toId !== undefined && { to_id: toId }) } };
    return (await this.#connection.read("/api/v5/sessions/{id}/snapshots/diff", asked, options)) as Differences;
  }

  /** Go back to a snapshot; what is replaced is a snapshot afterwards. */
  async restore(id: string, snapshotId: string, options?: WriteOptions): Promise<Session> {
    const asked = { path: { id }, body: { snapshot_id: snapshotId } };
    return (await this.#connection.write("post", "/api/v5/sessions/{id}/restore", asked, options)) as Session;
  }

  /** Add tags that are not there yet; may be delayed. */
  addTags(id: string, tags: string[], options: WriteOptions = {}): Promise<Saved<Session>> {
    const asked = { path: { id }, body: { items: tags } };
    return this.#connection.delay("post", "/api/v5/sessions/{id}/tags/add", asked, options, session);
  }

  /** May be delayed. */
  removeTags(id: string, tags: string[], options: WriteOptions = {}): Promise<Saved<Session>> {
    const asked = { path: { id }, body: { items: tags } };
    return this.#connection.delay("post", "/api/v5/sessions/{id}/tags/remove", asked, options, session);
  }

  /** Add facts or decisions to the session's memory; may be delayed. */
  remember(id: string, list: NoteList, notes: (string | Note)[], options: WriteOptions = {}): Promise<Saved<Session>> {
    const asked = { path: { id }, body: { items: notes } };
    return this.#connection.delay("post", `/api/v5/sessions/{id}/${list}/add`, asked, options, session);
  }

  /** Remove facts or decisions from the session's memory; may be delayed. */
  forget(id: string, list: NoteList, notes: (string | Note)[], options: WriteOptions = {}): Promise<Saved<Session>> {
    const asked = { path: { id }, body: { items: notes } };
    return this.#connection.delay("post", `/api/v5/sessions/{id}/${list}/remove`, asked, options, session);
  }

  /** Hear of every session that is made, changed or deleted, and of snapshots. */
  changes(options: { since?: string; signal?: AbortSignal } = {}): Subscription {
    return this.#connection.subscribe({ topics: ["sessions", "snapshots"], ...options });
  }
}

function stamp(id: string, answer: HttpAnswer): Stamp {
  return { id, version: Number((answer.headers.etag ?? "").replaceAll('"', "")) };
}

function session(answer: HttpAnswer): Session {
  return answer.content as Session;
}

/** The whole client: one connection and the five services on it. Who wants fewer takes `Connection` and one service. */
import { Connection } from "./connection.js";
import type { ConnectionOptions } from "./connection.js";
import type { CallOptions } from "./deadline.js";
import { FileService } from "./file-service.js";
import type { LinkStatus } from "./link.js";
import { LlmService } from "./llm-service.js";
import type { Refusal } from "./queue-entry.js";
import { SessionService } from "./session-service.js";
import { SettingsService } from "./settings-service.js";
import type { Subscription, SubscribeOptions } from "./transport/ws.js";
import { UserService } from "./user-service.js";

export class SidecarClient {
  readonly connection: Connection;
  readonly sessions: SessionService;
  readonly users: UserService;
  readonly llm: LlmService;
  readonly files: FileService;
  readonly settings: SettingsService;

  constructor(options: ConnectionOptions = {}) {
    this.connection = new Connection(options);
    this.sessions = new SessionService(this.connection);
    this.users = new UserService(this.connection);
    this.llm = new LlmService(this.connection);
    this.files = new FileService(this.connection);
    this.settings = new SettingsService(this.connection);
  }

  /** Whether the daemon is there, and why not. */
  get status(): LinkStatus {
    return this.connection.link.status;
  }

  /** How many delayed writes wait for the daemon. */
  get queued(): number {
    return this.connection.queue.size;
  }

  /** Hear of the daemon going and coming; returns what ends that. */
  onStatus(listener: (status: LinkStatus) => void): () => void {
    return this.connection.link.changed.add(listener);
  }

  /** Hear how many delayed writes wait; returns what ends that. */
  onQueued(listener: (count: number) => void): () => void {
    return this.connection.queue.changed.add(listener);
  }

  /** Hear of delayed writes that the daemon refused; returns what ends that. */
  onRefused(listener: (refusal: Refusal) => void): () => void {
    return this.connection.queue.refused.add(listener);
  }

  /** Settle when the daemon is there and somebody is logged in. */
  ready(options?: CallOptions): Promise<void> {
    return this.connection.ready(options);
  }

  /** Hear of every change of some kinds of records. */
  subscribe(options?: SubscribeOptions): Subscription {
    return this.connection.subscribe(options);
  }

  /** End all that is open; waits a while for delayed writes, and returns how many are left. */
  close(options?: { timeoutMs?: number }): Promise<number> {
    return this.connection.close(options);
  }
}

/** Make a client. It looks for the daemon at once, and nobody has to wait for that. */
export function connect(options: ConnectionOptions = {}): SidecarClient {
  return new SidecarClient(options);
}

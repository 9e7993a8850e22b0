/** The client of Sidecar, the daemon that keeps what a developer was doing. */
export { SidecarClient, connect } from "./client.js";
export { Connection } from "./connection.js";
export type { ConnectionOptions, WriteOptions } from "./connection.js";
export type { CallOptions } from "./deadline.js";
export type { Saved } from "./delayed-writes.js";
export {
  CancelledError,
  ClosedError,
  ConflictError,
  ForbiddenError,
  InvalidError,
  LimitExceededError,
  NotFoundError,
  NotProvedError,
  OutcomeUnknownError,
  RateLimitedError,
  SidecarError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
  VersionConflictError,
  isSidecarError,
} from "./errors.js";
export type { Details } from "./errors.js";
export { FileQueueStore } from "./file-queue-store.js";
export { FileService } from "./file-service.js";
export type { FilesQuery } from "./file-service.js";
export { commandLauncher } from "./launcher.js";
export type { CommandOptions, Launcher } from "./launcher.js";
export type { LinkState, LinkStatus } from "./link.js";
export { LlmService } from "./llm-service.js";
export type { ConversationsQuery, Counts } from "./llm-service.js";
export type { Refusal } from "./queue-entry.js";
export { MemoryQueueStore } from "./queue-store.js";
export type { QueueStore, QueuedWrite, Tried } from "./queue-store.js";
export { SessionService } from "./session-service.js";
export type { SessionsQuery, Stamp } from "./session-service.js";
export { SettingsService } from "./settings-service.js";
export type { Json } from "./settings-service.js";
export { FileTokenStore, MemoryTokenStore } from "./token-store.js";
export type { TokenStore } from "./token-store.js";
export type { Subscription, SubscribeOptions } from "./transport/ws.js";
export type * from "./types.js";
export { UserService } from "./user-service.js";
export type { Credentials, NewUser, Registration } from "./user-service.js";

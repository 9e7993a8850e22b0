/** The daemon's records by the names of their field, from the types that are generated from its own documents. */
import type { components as feed } from "./generated/asyncapi.js";
import type { components } from "./generated/openapi.js";

type Schemas = components["schemas"];

/** What the daemon sends has every field, also those that a request may leave out; so has all that is in it. */
type Sent<Name extends keyof Schemas> = Whole<Schemas[Name]>;
type Whole<T> = T extends readonly (infer E)[] ? Whole<E>[] : T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;

/** A JSON Merge Patch (RFC 7396): objects are merged, arrays are replaced whole, null gives a field its default back. */
export type MergePatch<T> = { [K in keyof T]?: (T[K] extends readonly unknown[] ? T[K] : MergePatchOf<T[K]>) | null };
type MergePatchOf<T> = T extends object ? (T extends readonly unknown[] ? T : MergePatch<T>) : T;

/** One page of a list; `next_cursor` is null at the end. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type LoginAnswer = Sent<"Login">;
export type User = Sent<"PublicUser">;
export type UserPatch = MergePatch<Schemas["UserPatch"]>;
export type Tenant = Sent<"Tenant">;
/** A device on which the user is logged in. */
export type Device = Sent<"PublicAuthSession">;
export type Session = Sent<"WorkspaceSession">;
export type SessionSummary = Sent<"SessionSummary">;
export type SessionBody = Schemas["SessionBody"];
export type SessionPatch = MergePatch<SessionBody>;
export type EditorState = Schemas["EditorState"];
export type TerminalState = Schemas["TerminalState"];
export type Breakpoint = Schemas["Breakpoint"];
export type Note = Schemas["Note"];
export type Snapshot = Sent<"ShownSnapshot">;
export type Differences = Sent<"Differences">;
export type Conversation = Sent<"Conversation">;
export type ConversationBody = Schemas["ConversationBody"];
export type ConversationPatch = MergePatch<Schemas["ConversationPatch"]>;
export type WholeConversation = Conversation & { messages: Page<Message> };
export type Message = Sent<"Message">;
export type MessageBody = Schemas["MessageBody"];
export type Setting = Sent<"Setting">;
/** Its times in nanoseconds, and often its inode, are above 2^53, so they are rounded: `checksum` tells versions apart. */
export type File = Sent<"File">;
export type Workspace = Sent<"WatchedWorkspace">;

export type Change = Required<feed["schemas"]["Change"]>;
export type ChangesMessage = Omit<feed["schemas"]["ChangesMessage"], "changes"> & { changes: Change[] };
export type ResetMessage = feed["schemas"]["ResetMessage"];
export type ProgressMessage = Required<feed["schemas"]["ProgressMessage"]>;
export type SubscribedMessage = feed["schemas"]["SubscribedMessage"];
export type SubscribeMessage = feed["schemas"]["SubscribeMessage"];
/** A kind of records, or `progress`. */
export type Topic = NonNullable<SubscribeMessage["topics"]>[number];
export type AuthMessage = feed["schemas"]["AuthMessage"];
/** What a subscription hands on. */
export type FeedMessage = ChangesMessage | ResetMessage | ProgressMessage;

/** Conversations with language models: their messages, and how many tokens they took. */
import type { Connection, WriteOptions } from "./connection.js";
import type { Saved } from "./delayed-writes.js";
import type { CallOptions } from "./deadline.js";
import type { QueryOf } from "./operations.js";
import type { HttpAnswer } from "./transport/http.js";
import type { Subscription } from "./transport/ws.js";
import type {
  Conversation,
  ConversationBody,
  ConversationPatch,
  Message,
  MessageBody,
  Page,
  WholeConversation,
} from "./types.js";

export type ConversationsQuery = QueryOf<"get", "/api/v5/conversations">;

/** How much a conversation holds; the daemon counts, also what several windows add at once. */
export interface Counts {
  messages: number;
  tokens: number;
}

export class LlmService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Begin a conversation. */
  async create(body: ConversationBody, options?: WriteOptions): Promise<Conversation> {
    return (await this.#connection.write("post", "/api/v5/conversations", { body }, options)) as Conversation;
  }

  /** Return a conversation with the first page of its messages. */
  async get(id: string, options?: CallOptions): Promise<WholeConversation> {
    const asked = { path: { id } };
    return (await this.#connection.read("/api/v5/conversations/{id}", asked, options)) as WholeConversation;
  }

  /** Return a page of conversations, without messages, the newest first. */
  async list(query: ConversationsQuery = {}, options?: CallOptions): Promise<Page<Conversation>> {
    return (await this.#connection.read("/api/v5/conversations", { query }, options)) as Page<Conversation>;
  }

  /** Yield all conversations, page by page. */
  all(query: ConversationsQuery = {}, options?: CallOptions): AsyncGenerator<Conversation> {
    return this.#connection.all("/api/v5/conversations", { query }, options);
  }

  /** Merge a patch into a conversation: title, status, summary, …; may be delayed. */
  update(id: string, patch: ConversationPatch, options: WriteOptions = {}): Promise<Saved<Conversation>> {
    const asked = { path: { id }, body: patch };
    return this.#connection.delay("patch", "/api/v5/conversations/{id}", asked, options, conversation);
  }

  /** Delete a conversation and its messages; may be delayed. */
  remove(id: string, options: WriteOptions = {}): Promise<Saved<void>> {
    return this.#connection.delay("delete", "/api/v5/conversations/{id}", { path: { id } }, options, () => undefined);
  }

  /** Add a message behind all others; may be delayed. */
  addMessage(conversationId: string, body: MessageBody, options: WriteOptions = {}): Promise<Saved<Message>> {
    const asked = { path: { id: conversationId }, body };
    return this.#connection.delay("post", "/api/v5/conversations/{id}/messages", asked, options, message);
  }

  /** Return a page of messages, the oldest first. */
  async messages(conversationId: string, query: { cursor?: string; limit?: number } = {}, options?: CallOptions) {
    const asked = { path: { id: conversationId }, query };
    return (await this.#connection.read("/api/v5/conversations/{id}/messages", asked, options)) as Page<Message>;
  }

  /** Yield all messages of a conversation, the oldest first, page by page. */
  allMessages(conversationId: string, options?: CallOptions): AsyncGenerator<Message> {
    const asked = { path: { id: conversationId }, query: { limit: 1_000 } };
    return this.#connection.all("/api/v5/conversations/{id}/messages", asked, options);
  }

  /** Return how many messages a conversation has, and how many tokens they took together. */
  async counts(conversationId: string, options?: CallOptions): Promise<Counts> {
    const asked = { path: { id: conversationId }, query: { limit: 1 } };
    const found = (await this.#connection.read("/api/v5/conversations/{id}", asked, options)) as Conversation;
    return { messages: found.message_count, tokens: found.token_count };
  }

  /** Add tags that are not there yet; may be delayed. */
  addTags(id: string, tags: string[], options: WriteOptions = {}): Promise<Saved<Conversation>> {
    const asked = { path: { id }, body: { items: tags } };
    return this.#connection.delay("post", "/api/v5/conversations/{id}/tags/add", asked, options, conversation);
  }

  /** May be delayed. */
  removeTags(id: string, tags: string[], options: WriteOptions = {}): Promise<Saved<Conversation>> {
    const asked = { path: { id }, body: { items: tags } };
    const path = "/api/v5/conversations/{id}/tags/remove";
    return this.#connection.delay("post", path, asked, options, conversation);
  }

  /** Hear of every conversation and message that is made, changed or deleted. */
  changes(options: { since?: string; signal?: AbortSignal } = {}): Subscription {
    return this.#connection.subscribe({ topics: ["conversations", "messages"], ...options });
  }
}

function conversation(answer: HttpAnswer): Conversation {
  return answer.content as Conversation;
}

function message(answer: HttpAnswer): Message {
  return answer.content as Message;
}

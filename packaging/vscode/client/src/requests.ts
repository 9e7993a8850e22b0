/** What a caller asks for as a request: its place, its headers, its body. What can be none is refused here, by name. */
import { randomUUID } from "node:crypto";
import { validateHeaderValue } from "node:http";
import type { CallOptions } from "./deadline.js";
import { InvalidError, LimitExceededError, isSidecarError } from "./errors.js";
import { writeBytesMax } from "./limits.js";
import { pathOf, queryOf } from "./operations.js";
import type { BodyOf, Method, ParametersOf, PathOf, QueryOf } from "./operations.js";
import type { QueuedWrite } from "./queue-store.js";
import type { HttpRequest } from "./transport/http.js";

export type WriteMethod = Exclude<Method, "get">;

/** What a write takes besides. */
export interface WriteOptions extends CallOptions {
  /** Writes only if the record still has this version; else a `VersionConflictError`. */
  ifVersion?: number;
  /** Makes a repeat the same request; a fresh one unless given. */
  idempotencyKey?: string;
}

/** What fills a request's path, query and body; each is checked against the daemon's own document. */
export interface Asked<M extends Method, P extends PathOf<M>> {
  path?: ParametersOf<P>;
  query?: QueryOf<M, P> | undefined;
  body?: BodyOf<M, P>;
  /** Leaves the record out of the answer. */
  isMinimal?: boolean;
}

/** The same, once it is known that it fits. */
interface Given {
  path?: unknown;
  query?: unknown;
  body?: unknown;
  isMinimal?: boolean;
}

/**
 * @throws InvalidError It can not be sent as it is.
 */
export function readOf(path: string, asked: Given): HttpRequest {
  return made(() => ({ method: "GET", path: placeOf(path, asked) }));
}

/**
 * @throws InvalidError It can not be sent as it is.
 * @throws LimitExceededError Its body is too large.
 */
export function writeOf(method: WriteMethod, path: string, asked: Given, options: WriteOptions): QueuedWrite {
  return made(() => {
    const key = options.idempotencyKey ?? randomUUID();
    validateHeaderValue("Idempotency-Key", key);
    const headers: Record<string, string> = { "Idempotency-Key": key };
    if (options.ifVersion !== undefined) headers["If-Match"] = `"${options.ifVersion}"`;
    if (asked.isMinimal) headers["Prefer"] = "return=minimal";
    const place = placeOf(path, asked);
    const write = { key, method: method.toUpperCase() as QueuedWrite["method"], path: place, headers };
    return asked.body === undefined ? write : { ...write, body: bodyOf(asked.body) };
  });
}

function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (isSidecarError(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidError(`This can not be sent: ${why}.`, { cause: error });
  }
}

function placeOf(path: string, asked: Given): string {
  return pathOf(path, (asked.path ?? {}) as Record<string, string>) + queryOf(asked.query ?? {});
}

/** The daemon would close the connection on a larger one, and its answer might not be heard. */
function bodyOf(content: unknown): string {
  const text = JSON.stringify(content);
  const bytes = Buffer.byteLength(text);
  if (bytes <= writeBytesMax) return text;
  throw new LimitExceededError(`A write has at most ${writeBytesMax} bytes, and this one ${bytes}.`);
}

/**
 * The tree of errors: everything that a call of this package rejects with is a `SidecarError`.
 *
 * A class exists only where a caller would act differently. `code` is stable, and for what the daemon refuses it is the
 * daemon's own (`/api/v5/docs` lists them); `message` is one sentence for a person and holds no secret.
 */

/** Small JSON values that tell a program more. */
export type Details = Readonly<Record<string, unknown>>;

export interface ErrorOptions {
  code?: string;
  details?: Details;
  cause?: unknown;
}

/** The root. */
export class SidecarError extends Error {
  readonly code: string;
  readonly details: Details;

  constructor(message: string, options: ErrorOptions = {}, code = "internal") {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code ?? code;
    this.details = options.details ?? {};
  }

  /** The HTTP status, when it was the daemon that refused. */
  get status(): number | undefined {
    return typeof this.details["status"] === "number" ? this.details["status"] : undefined;
  }

  /** What the daemon's log knows the request by. */
  get requestId(): string | undefined {
    return typeof this.details["request_id"] === "string" ? this.details["request_id"] : undefined;
  }
}

/** The daemon is away, stopping, or can not work now (a full disk); later may work. */
export class UnavailableError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "unavailable");
  }
}

/** What answers at the daemon's address could not prove that it is the user's daemon; no secret was sent to it. */
export class NotProvedError extends UnavailableError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "not_proved", ...options });
  }
}

/** The call took longer than it may. */
export class TimeoutError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "timeout");
  }
}

/** The caller's signal was aborted. */
export class CancelledError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "cancelled");
  }
}

/** The client was closed. */
export class ClosedError extends SidecarError {
  constructor(message = "This client is closed.", options: ErrorOptions = {}) {
    super(message, options, "closed");
  }
}

/** The caller gave something that can never work as it is. */
export class InvalidError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "invalid");
  }
}

/** Nobody is logged in any more; `users.login` or `users.pair` would help. */
export class UnauthenticatedError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "unauthenticated");
  }
}

/** The caller is known, and may not. */
export class ForbiddenError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "forbidden");
  }
}

/** A bound would be passed: a plan's, the daemon's, or one of the queue. Asking for less would help. */
export class LimitExceededError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "limit_exceeded");
  }
}

/** What was named is not there, or belongs to someone else. */
export class NotFoundError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "not_found");
  }
}

/** What is there contradicts the request. */
export class ConflictError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "conflict");
  }
}

/** The record has moved on since it was read; read it again and decide again. */
export class VersionConflictError extends ConflictError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "version_conflict", ...options });
  }
}

/** Too many requests; `retryAfterMs` tells when to ask again. */
export class RateLimitedError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "rate_limited");
  }

  get retryAfterMs(): number {
    const seconds = this.details["retry_after_seconds"];
    return typeof seconds === "number" ? seconds * 1_000 : 1_000;
  }
}

/** A delayed write was sent, its answer never came, and it is too late to ask: it may have been done or not. */
export class OutcomeUnknownError extends SidecarError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "outcome_unknown");
  }
}

/** Tell whether something is an error of this package, also of another copy of it (one by `import`, one by `require`). */
export function isSidecarError(value: unknown): value is SidecarError {
  return value instanceof Error && "code" in value && typeof value.code === "string" && "details" in value;
}

/** Return what a store of the host's threw as an error of this package: its disk may be full, its keyring be locked. */
export function storeFailure(what: string, thrown: unknown): SidecarError {
  if (isSidecarError(thrown)) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new UnavailableError(`${what}: ${why}`, { cause: thrown });
}

/** Return what was thrown as an error of this package. */
export function asSidecarError(thrown: unknown): SidecarError {
  if (isSidecarError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SidecarError(`Something went wrong inside the client: ${message}`, { cause: thrown });
}

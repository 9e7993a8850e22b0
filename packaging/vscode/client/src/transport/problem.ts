/** Problem documents (RFC 9457, with the daemon's `code`) as errors. The one table from statuses to classes. */
import {
  ConflictError,
  ForbiddenError,
  InvalidError,
  LimitExceededError,
  NotFoundError,
  RateLimitedError,
  SidecarError,
  UnauthenticatedError,
  UnavailableError,
  VersionConflictError,
} from "../errors.js";
import type { ErrorOptions } from "../errors.js";

type ErrorClass = new (message: string, options: ErrorOptions) => SidecarError;

const classes: Readonly<Record<number, ErrorClass>> = {
  400: InvalidError,
  401: UnauthenticatedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  412: VersionConflictError,
  413: LimitExceededError,
  429: RateLimitedError,
  503: UnavailableError,
};
const byCode: Readonly<Record<string, ErrorClass>> = {
  limit_exceeded: LimitExceededError,
  plan_limit: LimitExceededError,
};

/** Return the error that an answer of 400 or more stands for. */
export function problemOf(status: number, document: unknown): SidecarError {
  const problem = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>;
  const text = (name: string): string | undefined => {
    const value = problem[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const code = text("code");
  const more = typeof problem["details"] === "object" ? problem["details"] : {};
  const details = { ...more, status, ...(text("request_id") !== undefined && { request_id: text("request_id") }) };
  const kind = byCode[code ?? ""] ?? classes[status] ?? SidecarError;
  const message = text("detail") ?? text("title") ?? `The daemon answered ${status}.`;
  return new kind(message, { details, ...(code !== undefined && { code }) });
}

/** One request of somebody who is logged in: over a proved connection, with a token, and again where that helps. */
import { TimeoutError, UnauthenticatedError, UnavailableError } from "./errors.js";
import type { Link } from "./link.js";
import { requestsAtOnceMax } from "./limits.js";
import type { Login } from "./login.js";
import { Slots } from "./slots.js";
import { LostError, send } from "./transport/http.js";
import type { HttpAnswer, HttpRequest } from "./transport/http.js";

export class Calls {
  readonly #link: Link;
  readonly #login: Login;
  readonly #userAgent: string;
  readonly #slots = new Slots(requestsAtOnceMax);

  constructor(link: Link, login: Login, userAgent: string) {
    this.#link = link;
    this.#login = login;
    this.#userAgent = userAgent;
  }

  /**
   * Send a request and return its answer.
   *
   * A request that a lost connection has kept from being answered is sent once more to a daemon that is found at once,
   * where it changes nothing twice: it may only have moved, or have closed the connection for idleness.
   *
   * @param userId Whose request it is; while somebody else is logged in it is unavailable. Whoever is, unless given.
   */
  async call(request: HttpRequest, signal: AbortSignal, userId?: string): Promise<HttpAnswer> {
    try {
      return await this.#renewing(request, signal, userId);
    } catch (error) {
      if (!(error instanceof LostError && (error.isUnsent || isRepeatable(request)))) throw error;
      return this.#renewing(request, signal, userId);
    }
  }

  /** Send a request, and once more with another token if the daemon refuses the first. */
  async #renewing(request: HttpRequest, signal: AbortSignal, userId?: string): Promise<HttpAnswer> {
    await this.#link.ready(signal);
    const token = await this.#token(signal, userId);
    try {
      return await this.#exchange(request, token, signal);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
      return this.#exchange(request, await this.#token(signal, userId, token), signal);
    }
  }

  async #token(signal: AbortSignal, userId: string | undefined, refused?: string): Promise<string> {
    const access = await this.#login.access(signal, refused);
    if (userId === undefined || access.userId === userId) return access.token;
    throw new UnavailableError("Another user is logged in now.", { code: "other_user" });
  }

  async #exchange(request: HttpRequest, token: string, signal: AbortSignal): Promise<HttpAnswer> {
    const agent = await this.#link.ready(signal);
    const headers = { ...request.headers, Authorization: `Bearer ${token}`, "User-Agent": this.#userAgent };
    try {
      return await this.#slots.use(() => send(agent, { ...request, headers }, signal), signal);
    } catch (error) {
      if (error instanceof LostError) this.#link.lost(agent);
      if (error instanceof TimeoutError) this.#link.doubt(agent);
      throw error;
    }
  }
}

/**
 * The daemon answers a repeated key as it did before, or its route does the same again; a repeated DELETE it answers with
 * 404, which might be told as a failure.
 */
function isRepeatable({ method, headers }: HttpRequest): boolean {
  return method === "GET" || (method !== "DELETE" && headers?.["Idempotency-Key"] !== undefined);
}

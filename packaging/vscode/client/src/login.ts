/**
 * Who is logged in, and the access token of every call. Renews it once for however many callers need it, by the refresh
 * token of the store, which other windows may have exchanged meanwhile; pairs anew where the machine's owner was paired.
 */
import { raced, within } from "./deadline.js";
import { UnauthenticatedError, asSidecarError } from "./errors.js";
import type { Link } from "./link.js";
import { accessTokenMarginMs, loginMsMax, problemBytesMax } from "./limits.js";
import { Listeners } from "./listeners.js";
import { StoredLogin } from "./stored-login.js";
import type { Kept, LoginKind } from "./stored-login.js";
import type { TokenStore } from "./token-store.js";
import { LostError, send } from "./transport/http.js";
import type { ProvedAgent } from "./transport/proved-agent.js";
import type { LoginAnswer } from "./types.js";

export interface Access {
  token: string;
  userId: string;
  endsAtMs: number;
}

export interface LoginOptions {
  link: Link;
  store: TokenStore;
  /** What the user sees of this client among their devices. */
  userAgent: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Login {
  /** Told of each new access token. */
  readonly renewed = new Listeners<string>();
  readonly #options: LoginOptions;
  readonly #stored: StoredLogin;
  #access: Access | undefined;
  /** A renewal that is under way; settles with nothing when the login was replaced meanwhile. */
  #flight: Promise<Access | undefined> | undefined;
  #generation = 0;
  /** The last login or logout; settles when the store has it. */
  #change: Promise<unknown> = Promise.resolve();

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#stored = new StoredLogin(options.store);
  }

  /** Return whose writes are written now, as far as it is known; also while the daemon is away. */
  async userId(): Promise<string | undefined> {
    return this.#access?.userId ?? (await this.#stored.read())?.user_id;
  }

  /** How long the present access token lasts before it has to be renewed, in milliseconds. */
  get renewInMs(): number {
    return (this.#access?.endsAtMs ?? 0) - accessTokenMarginMs - this.#options.now();
  }

  /**
   * Return an access token that lasts for this call.
   *
   * @param refused A token that the daemon has just refused.
   * @throws UnauthenticatedError Nobody is logged in, and nobody can be without help.
   */
  async token(signal: AbortSignal, refused?: string): Promise<string> {
    return (await this.access(signal, refused)).token;
  }

  /** Return an access token as `token` does, and whose it is. */
  async access(signal: AbortSignal, refused?: string): Promise<Access> {
    for (;;) {
      this.#stored.retry();
      const access = this.#access;
      if (access !== undefined && access.token !== refused && this.renewInMs > 0) return access;
      this.#flight ??= within({ timeoutMs: loginMsMax }, (deadline) => this.#obtain(deadline.signal)).finally(() => {
        this.#flight = undefined;
      });
      const obtained = await raced(this.#flight, signal);
      if (obtained !== undefined) return obtained;
    }
  }

  /** Take a login that was just opened. */
  adopt(login: LoginAnswer, kind: LoginKind): Promise<void> {
    return this.#replace(async () => {
      await this.#keep(login, kind);
    });
  }

  /** Forget who is logged in; nobody is until somebody logs in or pairs. */
  forget(): Promise<void> {
    return this.#replace(() => this.#stored.write({ kind: "account" }));
  }

  /** Open a login of the machine's owner, whoever is logged in now. */
  async pair(signal: AbortSignal): Promise<LoginAnswer> {
    const { link } = this.#options;
    const login = await paired({ ...this.#options, agent: await link.ready(signal), signal });
    await this.adopt(login, "paired");
    return login;
  }

  /** Open a login of an account. The pairing key shows that it is one of the machine's own clients who asks. */
  async open(route: "register" | "login", sent: object, signal: AbortSignal): Promise<LoginAnswer> {
    const { link } = this.#options;
    const agent = await link.ready(signal);
    const login = await ask({ ...this.#options, agent, signal }, route, sent, agent.published.pairingKey);
    await this.adopt(login, "account");
    return login;
  }

  /** How the present login was opened. */
  async kind(): Promise<LoginKind> {
    return (await this.#stored.read())?.kind ?? "paired";
  }

  /** Exchange the refresh token, or pair. Runs once for all who wait; whatever comes of it is void if it was overtaken. */
  async #obtain(signal: AbortSignal): Promise<Access | undefined> {
    const [generation, before] = [this.#generation, this.#access];
    try {
      await raced(this.#change, signal);
      if (this.#access !== before) return this.#access; // somebody has just logged in
      const agent = await this.#options.link.ready(signal);
      const wire = { ...this.#options, agent, signal };
      const kept = await this.#stored.read();
      const [login, kind] =
        kept === undefined ? [await paired(wire), "paired" as const] : await this.#refreshed(wire, kept);
      return this.#generation === generation ? await this.#keep(login, kind) : undefined;
    } catch (error) {
      if (this.#generation === generation) throw error;
      return undefined;
    }
  }

  /**
   * Put another login, or none, in the place of the present one. A renewal that is under way keeps nothing any more; one
   * that begins meanwhile waits: the store still has the token that is being replaced.
   */
  #replace(keep: () => Promise<void>): Promise<void> {
    this.#generation += 1;
    this.#access = undefined;
    const before = Promise.allSettled([this.#change, this.#flight]);
    const change = before.then(() => {
      this.#access = undefined; // of a login that was still being kept
      return keep();
    });
    this.#change = change.catch(() => undefined); // told to whoever asked for it
    return change;
  }

  async #refreshed(wire: Wire, kept: Kept): Promise<[LoginAnswer, LoginKind]> {
    for (let newest = kept; ;) {
      if (newest.refresh_token === undefined) throw new UnauthenticatedError("Nobody is logged in; log in or pair.");
      try {
        return [await ask(wire, "refresh", { refresh_token: newest.refresh_token }), newest.kind];
      } catch (error) {
        if (!(error instanceof UnauthenticatedError)) throw error;
        const now = await this.#stored.read();
        if (now !== undefined && now.refresh_token !== newest.refresh_token) {
          newest = now; // another window was faster
        } else if (newest.kind === "paired") {
          return [await paired(wire), "paired"];
        } else {
          await this.#save({ kind: "account", ...(newest.user_id !== undefined && { user_id: newest.user_id }) });
          throw error;
        }
      }
    }
  }

  async #keep(login: LoginAnswer, kind: LoginKind): Promise<Access> {
    const endsAtMs = this.#options.now() + login.expires_in * 1_000;
    const access = { token: login.access_token, userId: login.user.id, endsAtMs };
    this.#access = access;
    await this.#save({ kind, user_id: login.user.id, refresh_token: login.refresh_token });
    this.renewed.tell(login.access_token);
    return access; // also when a logout has come meanwhile
  }

  /** Store a login. That the store can not take it is told, and no call's fault: it goes on from memory. */
  async #save(kept: Kept): Promise<void> {
    try {
      await this.#stored.write(kept);
    } catch (error) {
      process.emitWarning(asSidecarError(error));
    }
  }
}

interface Wire {
  link: Link;
  agent: ProvedAgent;
  userAgent: string;
  signal: AbortSignal;
}

function paired(wire: Wire): Promise<LoginAnswer> {
  return ask(wire, "pair", {}, wire.agent.published.pairingKey);
}

/** Send what asks for a login; the pairing key goes with what only the machine's own clients may ask. */
async function ask(wire: Wire, route: string, sent: object, bearer?: string): Promise<LoginAnswer> {
  const { link, agent, signal, userAgent } = wire;
  const shown = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
  const headers = { "User-Agent": userAgent, ...shown };
  const asked = { path: `/api/v5/auth/${route}`, body: JSON.stringify(sent), headers, bytesMax: problemBytesMax };
  try {
    return (await send(agent, { method: "POST", ...asked }, signal)).content as LoginAnswer;
  } catch (error) {
    if (error instanceof LostError) link.lost(agent);
    throw error;
  }
}

/** Who is logged in: the machine's owner by pairing, or an account by its password; and the account itself. */
import type { Connection, WriteOptions } from "./connection.js";
import { within } from "./deadline.js";
import type { CallOptions } from "./deadline.js";
import { UnauthenticatedError } from "./errors.js";
import type { BodyOf } from "./operations.js";
import type { Device, LoginAnswer, Page, User, UserPatch } from "./types.js";

export type Registration = BodyOf<"post", "/api/v5/auth/register">;
export type Credentials = BodyOf<"post", "/api/v5/auth/login">;
export type NewUser = BodyOf<"post", "/api/v5/users">;

export class UserService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  // --- logging in and out ---

  /** Open an account with a tenant of its own, and log in to it. */
  register(body: Registration, options: CallOptions = {}): Promise<User> {
    return this.#open("register", body, options);
  }

  /** Log in with a password, whoever was logged in before. */
  login(body: Credentials, options: CallOptions = {}): Promise<User> {
    return this.#open("login", body, options);
  }

  /** Log in as the machine's owner. This happens by itself where nobody has logged in or out. */
  async pair(options: CallOptions = {}): Promise<User> {
    const { login } = this.#connection;
    return user(await within(this.#connection.bounded(options), (deadline) => login.pair(deadline.signal)));
  }

  /** End the login, here and in all windows that share its token. Then nobody is logged in until somebody does. */
  async logout(options?: CallOptions): Promise<void> {
    try {
      await this.#connection.write("post", "/api/v5/auth/logout", {}, options);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error; // it had ended already
    } finally {
      await this.#connection.login.forget(); // also while the daemon is away: then the login lasts until it expires
    }
  }

  /** Yield the devices on which the user is logged in. */
  devices(options?: CallOptions): AsyncGenerator<Device> {
    return this.#connection.all("/api/v5/auth/sessions", {}, options);
  }

  /** End the login of one device. */
  async endDevice(id: string, options?: CallOptions): Promise<void> {
    await this.#connection.write("delete", "/api/v5/auth/sessions/{id}", { path: { id } }, options);
  }

  // --- the account ---

  async me(options?: CallOptions): Promise<User> {
    return (await this.#connection.read("/api/v5/users/me", {}, options)) as User;
  }

  /** Change the user's name. */
  async rename(name: { first_name: string; last_name: string }, options?: WriteOptions): Promise<User> {
    return (await this.#connection.write("put", "/api/v5/users/me", { body: name }, options)) as User;
  }

  /**
   * Change the password, or give one to an account that has none; every other login of the user ends. Was this cut off,
   * it is safe to repeat it under the same `idempotencyKey`: the login that it opened is taken then.
   */
  async changePassword(
    newPassword: string,
    currentPassword?: string,
    options?: Omit<WriteOptions, "ifVersion">,
  ): Promise<void> {
    const body = {
      new_password: newPassword,
      ...(currentPassword !== undefined && { current_password: currentPassword }),
    };
    const kind = await this.#connection.login.kind();
    const login = (await this.#connection.write("put", "/api/v5/users/me/password", { body }, options)) as LoginAnswer;
    await this.#connection.login.adopt(login, kind);
  }

  // --- a tenant's users, for its admins ---

  async list(query: { cursor?: string; limit?: number } = {}, options?: CallOptions): Promise<Page<User>> {
    return (await this.#connection.read("/api/v5/users", { query }, options)) as Page<User>;
  }

  async create(body: NewUser, options?: WriteOptions): Promise<User> {
    return (await this.#connection.write("post", "/api/v5/users", { body }, options)) as User;
  }

  async update(id: string, patch: UserPatch, options?: WriteOptions): Promise<User> {
    return (await this.#connection.write(
      "patch",
      "/api/v5/users/{id}",
      { path: { id }, body: patch },
      options,
    )) as User;
  }

  async remove(id: string, options?: WriteOptions): Promise<void> {
    await this.#connection.write("delete", "/api/v5/users/{id}", { path: { id } }, options);
  }

  #open(route: "register" | "login", body: object, options: CallOptions): Promise<User> {
    const { login } = this.#connection;
    return within(this.#connection.bounded(options), async ({ signal }) => user(await login.open(route, body, signal)));
  }
}

function user(login: LoginAnswer): User {
  return login.user;
}

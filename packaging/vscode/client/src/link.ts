/**
 * Whether the daemon is there. Finds it, notices when it has gone, looks for it again with growing pauses, has it started
 * by the launcher, and tells whoever listens. Everything that needs the daemon asks here first, and is told at once.
 */
import { backoffMs } from "./backoff.js";
import { pause, raced, within } from "./deadline.js";
import { ClosedError, TimeoutError, UnavailableError, asSidecarError } from "./errors.js";
import type { SidecarError } from "./errors.js";
import type { Launcher } from "./launcher.js";
import { helloMsMax, launchIntervalMsMin, launchMsMax, reconnectMsMax, reconnectMsMin } from "./limits.js";
import { Listeners } from "./listeners.js";
import { discover } from "./transport/discovery.js";
import type { Published } from "./transport/discovery.js";
import { LostError, send } from "./transport/http.js";
import { ProvedAgent } from "./transport/proved-agent.js";

/** `connecting` lasts a moment: until it is known whether the daemon is there. `away` lasts until it is back. */
export type LinkState = "connecting" | "online" | "away" | "closed";

export interface LinkStatus {
  state: LinkState;
  /** Why the daemon is away. */
  error?: SidecarError;
  /** The daemon that has proved itself. */
  daemon?: Pick<Published, "url" | "pid" | "version" | "epoch">;
}

export interface LinkOptions {
  /** Where daemons publish themselves, in this order. */
  folders: readonly string[];
  launcher?: Launcher | undefined;
}

export class Link {
  readonly changed = new Listeners<LinkStatus>();
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  #status: LinkStatus = { state: "connecting" };
  #agent: ProvedAgent | undefined;
  #launchedAt = Number.NEGATIVE_INFINITY;
  #launchFailure: SidecarError | undefined;
  #isChecking = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    void this.#find();
  }

  get status(): LinkStatus {
    return this.#status;
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Return the connections to the daemon. Waits only while it is not known yet whether it is there.
   *
   * @throws UnavailableError The daemon is away.
   */
  async ready(signal: AbortSignal): Promise<ProvedAgent> {
    while (this.#status.state === "connecting") await this.#change(signal);
    if (this.#agent !== undefined) return this.#agent;
    if (this.#status.state === "closed") throw new ClosedError();
    const { error } = this.#status;
    const why = error?.message ?? "It does not answer.";
    throw new UnavailableError(`The daemon is away: ${why}`, {
      details: { reason: error?.code ?? "unavailable" },
      cause: error,
    });
  }

  /** Return the connections to the daemon, however long it is away. */
  async online(signal: AbortSignal): Promise<ProvedAgent> {
    while (this.#agent === undefined) {
      if (this.#status.state === "closed") throw new ClosedError();
      await this.#change(signal);
    }
    return this.#agent;
  }

  /** A connection has failed: look whether the daemon is still there. */
  lost(agent: ProvedAgent): void {
    if (agent !== this.#agent || this.#status.state === "closed") return;
    agent.retire();
    this.#agent = undefined;
    this.#set({ state: "connecting" });
    void this.#find();
  }

  /** A call was not answered in time, or a socket closed: look whether the daemon still serves, and go on meanwhile. */
  doubt(agent: ProvedAgent): void {
    if (agent !== this.#agent || this.#isChecking) return;
    this.#isChecking = true;
    void look(agent.published, this.closing)
      .then((fresh) => {
        fresh.destroy();
      })
      .catch(() => {
        this.lost(agent);
      })
      .finally(() => {
        this.#isChecking = false;
      });
  }

  close(): void {
    if (this.#status.state === "closed") return;
    this.#agent?.destroy();
    this.#agent = undefined;
    this.#set({ state: "closed" });
    this.#closing.abort(new ClosedError());
  }

  async #find(): Promise<void> {
    for (let failures = 1; !this.#isClosed(); failures += 1) {
      try {
        const agent = await discover(this.#options.folders, (published) => look(published, this.closing));
        if (this.#isClosed()) agent.destroy();
        else this.#found(agent);
        return;
      } catch (thrown) {
        if (this.#isClosed()) return;
        const isAsked = this.#launch();
        this.#fail(asSidecarError(thrown));
        if (isAsked) failures = 1;
      }
      await pause(backoffMs(failures, reconnectMsMin, reconnectMsMax), this.closing).catch(() => undefined);
    }
  }

  #found(agent: ProvedAgent): void {
    const { url, pid, version, epoch } = agent.published;
    this.#agent = agent;
    this.#launchFailure = undefined;
    this.#set({ state: "online", daemon: { url, pid, version, epoch } });
  }

  /** Tell that the daemon is away, and why: for want of starting, if that has just failed. */
  #fail(found: SidecarError): void {
    const error = this.#launchFailure ?? found;
    const { state, error: before } = this.#status;
    if (state !== "away" || before?.message !== error.message) this.#set({ state: "away", error });
  }

  /** Ask for the daemon to be started, unless that was done just now; it is looked for meanwhile. */
  #launch(): boolean {
    const { launcher } = this.#options;
    const now = performance.now();
    if (launcher === undefined || now - this.#launchedAt < launchIntervalMsMin) return false;
    this.#launchedAt = now;
    this.#launchFailure = undefined;
    within({ timeoutMs: launchMsMax, signal: this.closing }, ({ signal }) =>
      Promise.race([launcher.start(signal), this.online(signal)]),
    ).catch((thrown: unknown) => {
      if (this.#status.state !== "away") return;
      const { cause: raw, message } = asSidecarError(thrown);
      const why = raw instanceof Error ? raw.message : message;
      this.#launchFailure = new UnavailableError(`The daemon could not be started: ${why}`, { cause: thrown });
      this.#fail(this.#launchFailure);
    });
    return true;
  }

  #isClosed(): boolean {
    return this.closing.aborted;
  }

  #set(status: LinkStatus): void {
    this.#status = status;
    this.changed.tell(status);
  }

  #change(signal: AbortSignal): Promise<void> {
    let stop: (() => void) | undefined;
    const changed = new Promise<void>((resolve) => {
      stop = this.changed.add(() => {
        resolve();
      });
    });
    return raced(changed, signal).finally(stop);
  }
}

/** Open a connection to a daemon, on which it proves itself, and hear whether it serves. */
async function look(published: Published, closing: AbortSignal): Promise<ProvedAgent> {
  const agent = new ProvedAgent(published);
  const options = { timeoutMs: 2 * helloMsMax, signal: closing };
  try {
    await within(options, ({ signal }) => send(agent, { method: "GET", path: "/readyz" }, signal));
    return agent;
  } catch (error) {
    agent.destroy();
    if (error instanceof LostError && error.cause instanceof UnavailableError) throw error.cause;
    if (!(error instanceof TimeoutError)) throw error;
    throw new UnavailableError(`The daemon does not answer at ${published.url}.`, { cause: error });
  }
}

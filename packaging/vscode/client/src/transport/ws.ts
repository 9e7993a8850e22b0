/**
 * One subscription to the daemon's push channel: every change in the order of commits, none lost, none twice, over lost
 * connections, restarts of the daemon and renewed tokens. A listener that is slow makes the socket wait, not the memory.
 */
import { WebSocket } from "ws";
import type { RawData } from "ws";
import { backoffMs } from "../backoff.js";
import { onAbort, pause, raced, within } from "../deadline.js";
import { ClosedError, InvalidError, UnauthenticatedError, UnavailableError, asSidecarError } from "../errors.js";
import type { SidecarError } from "../errors.js";
import { eventsWaitingMax, loginMsMax, reconnectMsMax, reconnectMsMin } from "../limits.js";
import type { Link } from "../link.js";
import type { Login } from "../login.js";
import type { AuthMessage, FeedMessage, SubscribeMessage, SubscribedMessage, Topic } from "../types.js";
import type { ProvedAgent } from "./proved-agent.js";
import {
  closedAway,
  closedBadMessage,
  closedBroken,
  closedUnauthenticated,
  endOf,
  openSocket,
  watchSilence,
} from "./socket.js";
import type { Ending } from "./socket.js";

export interface SubscribeOptions {
  /** Kinds of records (`files`, `sessions`, …), and `progress`; all unless given. */
  topics?: readonly Topic[];
  /** Only of this folder, where a change is in one. */
  workspacePath?: string;
  /** A cursor of an earlier message, `beginning` for all that is kept, or `now`, the default. */
  since?: string;
  /** Ends the subscription. */
  signal?: AbortSignal;
}

export class Subscription implements AsyncIterable<FeedMessage> {
  /** Settles when it is over, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #link: Link;
  readonly #login: Login;
  readonly #options: SubscribeOptions;
  readonly #userAgent: string;
  readonly #closing = new AbortController();
  readonly #waiting: FeedMessage[] = [];
  #socket: WebSocket | undefined;
  #received: string | undefined;
  #delivered: string | undefined;
  #failure: SidecarError | undefined;
  #wake: (() => void) | undefined;
  #emptied: (() => void) | undefined;

  constructor(link: Link, login: Login, options: SubscribeOptions, userAgent: string) {
    this.#link = link;
    this.#login = login;
    this.#options = options;
    this.#userAgent = userAgent;
    this.#received = options.since;
    const close = (): void => {
      this.close();
    };
    const { signal } = options;
    const stop = signal === undefined ? undefined : onAbort(signal, close);
    this.ended = this.#run().finally(stop);
  }

  /** Where the last message that was handed on ends: a later subscription `since` it goes on behind it. */
  get cursor(): string | undefined {
    return this.#delivered;
  }

  /** End it; what has come and was not taken yet is dropped. */
  close(): void {
    this.#closing.abort(new ClosedError("The subscription is closed."));
    this.#waiting.length = 0;
    this.#socket?.close(1000);
    this.#wake?.();
  }

  /**
   * Yield the messages, for ever. After a `reset`, what is known has to be read anew.
   *
   * @throws InvalidError The daemon does not understand the subscription.
   * @throws UnauthenticatedError Nobody is logged in any more.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<FeedMessage, void, undefined> {
    try {
      for (;;) {
        const message = await this.#next();
        if (message === undefined) return;
        if ("cursor" in message) this.#delivered = message.cursor;
        yield message;
      }
    } finally {
      this.close();
    }
  }

  async #next(): Promise<FeedMessage | undefined> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) {
        if (this.#waiting.length === 0) this.#goOn();
        return message;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closing.signal.aborted) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The listener has taken all that had come. */
  #goOn(): void {
    this.#socket?.resume();
    this.#emptied?.();
  }

  /** Settle when there is room for more: a listener that is slow for long has its socket closed by the daemon. */
  async #room(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length < eventsWaitingMax) return;
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    await raced(emptied, signal);
  }

  async #run(): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, this.#link.closing]);
    let failures = 0;
    let refused: string | undefined;
    while (!signal.aborted) {
      try {
        await this.#room(signal);
        const agent = await this.#link.online(signal);
        const token = await within({ timeoutMs: loginMsMax, signal }, (d) => this.#login.token(d.signal, refused));
        const before = this.#received;
        const ending = await this.#connected(agent, token, signal);
        failures = this.#received === before ? failures + 1 : 1;
        refused = ending.code === closedUnauthenticated ? token : undefined;
        this.#judge(ending, agent);
      } catch (thrown) {
        const error = asSidecarError(thrown);
        failures += 1;
        if (error instanceof InvalidError || error instanceof UnauthenticatedError) {
          this.#failure = error;
          break;
        }
      }
      await pause(backoffMs(failures, reconnectMsMin, reconnectMsMax), signal).catch(() => undefined);
    }
    this.#closing.abort(new ClosedError("The subscription is over."));
    this.#wake?.();
  }

  /** Decide what an ended connection means; what is said nothing about is connected to again. */
  #judge(ending: Ending, agent: ProvedAgent): void {
    if (ending.code === closedBadMessage) {
      throw new InvalidError(`The daemon does not understand this subscription: ${ending.reason}`);
    }
    if (ending.code === closedUnauthenticated) return;
    if (ending.error !== undefined && !(ending.error instanceof UnavailableError)) throw ending.error;
    if (ending.code === closedAway || ending.code === closedBroken) this.#link.doubt(agent);
  }

  /** Serve one connection until it ends. */
  async #connected(agent: ProvedAgent, token: string, signal: AbortSignal): Promise<Ending> {
    const socket = openSocket(agent, { Authorization: `Bearer ${token}`, "User-Agent": this.#userAgent });
    this.#socket = socket;
    const renewal = this.#renewing(socket);
    const silence = watchSilence(socket);
    const stop = (): void => {
      socket.close(1000);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await endOf(socket, {
        open: () => {
          this.#say(socket, this.#subscribeMessage());
        },
        message: (data) => {
          silence.heard();
          if (!this.#take(socket, data)) socket.terminate();
        },
      });
    } finally {
      this.#socket = undefined;
      signal.removeEventListener("abort", stop);
      silence.end();
      renewal.end();
    }
  }

  #subscribeMessage(): SubscribeMessage {
    const { topics = [], workspacePath = null } = this.#options;
    return { op: "subscribe", topics: [...topics], workspace_path: workspacePath, since: this.#received ?? null };
  }

  /** Returns false for what is no message of the daemon's. */
  #take(socket: WebSocket, data: RawData): boolean {
    let message: FeedMessage | SubscribedMessage;
    try {
      message = JSON.parse((data as Buffer).toString("utf8")) as typeof message;
    } catch {
      return false;
    }
    if ("cursor" in message) this.#received = message.cursor;
    if (message.type === "subscribed") {
      if (this.#waiting.length === 0) this.#delivered = message.cursor;
      return true;
    }
    this.#waiting.push(message);
    if (this.#waiting.length >= eventsWaitingMax) socket.pause();
    this.#wake?.();
    return true;
  }

  /** Show each new token, and have one made before the present one ends: the daemon would close the socket with it. */
  #renewing(socket: WebSocket): { end: () => void } {
    let timer: NodeJS.Timeout | undefined;
    const schedule = (): void => {
      timer = setTimeout(
        () => {
          const renewed = within({ timeoutMs: loginMsMax }, (deadline) => this.#login.token(deadline.signal));
          renewed.catch(() => undefined); // then the socket ends with its token, and is opened again
        },
        Math.max(this.#login.renewInMs, 0),
      );
    };
    const stop = this.#login.renewed.add((token) => {
      this.#say(socket, { op: "auth", token });
      clearTimeout(timer);
      schedule();
    });
    schedule();
    return {
      end: () => {
        stop();
        clearTimeout(timer);
      },
    };
  }

  #say(socket: WebSocket, message: SubscribeMessage | AuthMessage): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }
}

/**
 * The connections to one daemon. Each has proved itself before a request goes out on it: a stranger who takes the port
 * later, or only now and then, gets a `hello` and nothing else. There is no other way to a socket in this package, and
 * each request looks whether it got one of these: hosts put their own agents, for proxies, into what extensions send.
 */
import { Agent } from "node:http";
import type { ClientRequest, ClientRequestArgs } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { NotProvedError, UnavailableError } from "../errors.js";
import { helloMsMax, idleConnectionMsMax, requestsAtOnceMax } from "../limits.js";
import { readPublished } from "./discovery.js";
import type { Published } from "./discovery.js";
import { prove } from "./proof.js";

type Connected = (error: Error | null, socket: Duplex) => void;

export class ProvedAgent extends Agent {
  readonly published: Published;
  readonly #proved = new WeakSet<Socket>();
  readonly #proving = new Set<Socket>();
  #isDestroyed = false;

  constructor(published: Published) {
    super({ keepAlive: true, maxFreeSockets: requestsAtOnceMax, timeout: idleConnectionMsMax, scheduling: "lifo" });
    this.published = published;
  }

  override createConnection(_options: ClientRequestArgs, connected?: Connected): undefined {
    this.#open().then(
      (socket) => connected?.(null, socket),
      (error: unknown) => (connected as ((error: unknown) => void) | undefined)?.(error),
    );
    return undefined;
  }

  /** End a request that was given another connection, before anything of it is sent. */
  guard(request: ClientRequest): void {
    request.once("socket", (socket) => {
      if (this.#proved.has(socket)) return;
      request.destroy(new NotProvedError(`A connection to ${this.published.url} has not proved itself.`));
    });
  }

  /** Close what is idle. What is under way goes on: it ends by itself if the daemon has gone. */
  retire(): void {
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  /** Close everything, also what has not proved itself yet: it would keep the host from ending. */
  override destroy(): void {
    this.#isDestroyed = true;
    for (const socket of this.#proving) socket.destroy();
    super.destroy();
  }

  async #open(): Promise<Socket> {
    await this.#checkPublished();
    const { host, port, url } = this.published;
    if (this.#isDestroyed) throw new UnavailableError(`The connections to ${url} are closed.`); // while it was read
    const socket = connect({ host, port, noDelay: true });
    this.#proving.add(socket);
    socket.on("error", ignore); // whoever uses the socket has a listener of their own; between two users none has
    const timer = setTimeout(() => {
      socket.destroy(new UnavailableError(`What listens at ${url} does not prove itself within ${helloMsMax} ms.`));
    }, helloMsMax);
    try {
      await prove(socket, this.published);
      socket.setTimeout(idleConnectionMsMax);
      this.#proved.add(socket);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      this.#proving.delete(socket);
      clearTimeout(timer);
    }
  }

  /**
   * A daemon that was started again may be elsewhere, and somebody else, who could ask it for proofs, in its old place. In
   * the same place it is another one too, perhaps of another version: it is found anew.
   */
  async #checkPublished(): Promise<void> {
    const { url, pid, epoch, pairingKey, folder } = this.published;
    const now = await readPublished(folder);
    if (now?.url === url && now.pid === pid && now.epoch === epoch && now.pairingKey === pairingKey) return;
    throw new UnavailableError(`The daemon that was at ${url} has stopped, or was started anew.`);
  }
}

function ignore(): void {
  // see above
}

/** Servers that are not the daemon, on the port that is published: each lies in its own way, and notes all it is sent. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";

type Behaviour = (socket: Socket, head: string) => void;

export class Liar {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** All that anybody has sent. */
  received = "";
  connections = 0;

  private constructor(behaviour: Behaviour) {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
      let head = "";
      socket.on("data", (part) => {
        this.received += part.toString("latin1");
        head += part.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        behaviour(socket, head);
        head = "";
      });
    });
  }

  static async listen(behaviour: Behaviour, port = 0): Promise<Liar> {
    const liar = new Liar(behaviour);
    await new Promise<void>((resolve, reject) => {
      liar.#server.once("error", reject);
      liar.#server.listen(port, "127.0.0.1", resolve);
    });
    return liar;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Put itself in the place of a daemon that has ended. */
  publish(folder: string, pairingKey: string): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const endpoint = { url: `http://127.0.0.1:${this.port}`, pid: process.pid, version: "0.1.0", epoch: "e" };
    writeFileSync(join(folder, "endpoint.json"), JSON.stringify(endpoint), { mode: 0o600 });
    writeFileSync(join(folder, "pairing.key"), `${pairingKey}\n`, { mode: 0o600 });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** An HTTP answer as text. */
export function answer(body: string, status = "200 OK", headers = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** Hand a `hello` on to a daemon, and its answer back. */
export function relay(daemonUrl: string): Behaviour {
  return (socket, head) => {
    const path = head.split(" ")[1] ?? "/";
    request(daemonUrl + path, (message) => {
      let body = "";
      message.on("data", (part: Buffer) => (body += part.toString("utf8")));
      message.on("end", () => socket.write(answer(body, `${message.statusCode ?? 0} OK`)));
    }).end();
  };
}

function drip(socket: Socket): void {
  const text = answer('{"port_proof":"');
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(text[sent++ % text.length] ?? "");
  }, 50);
  socket.on("close", () => clearInterval(timer));
}

function flood(socket: Socket, start: string, part: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(part));
    if (!socket.destroyed) socket.once("drain", more);
  };
  socket.write(start);
  more();
}

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n";
const wrong = JSON.stringify({ proof: "0".repeat(64), port_proof: "0".repeat(64), version: "0.1.0", instance: "e" });

/** What a liar does when it is asked anything. */
export const lies: Readonly<Record<string, Behaviour>> = {
  "a proof under another key": (socket) => socket.write(answer(wrong)),
  "a proof of the wrong length": (socket) => socket.write(answer('{"port_proof":"00","instance":"e"}')),
  "no proof": (socket) => socket.write(answer('{"instance":"e"}')),
  "no text for a proof": (socket) => socket.write(answer('{"port_proof":{"length":64},"instance":["e"]}')),
  "no object": (socket) => socket.write(answer("null")),
  "no JSON": (socket) => socket.write(answer("<html>")),
  "an error": (socket) => socket.write(answer(wrong, "500 Internal Server Error")),
  "a redirect to itself": (socket) =>
    socket.write(answer("", "307 Temporary Redirect", "Location: /api/v5/auth/pair\r\n")),
  "a wish to authenticate": (socket) =>
    socket.write(answer("", "401 Unauthorized", 'WWW-Authenticate: Bearer realm="sidecar"\r\n')),
  "another protocol": (socket) =>
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
  "ever more interim answers": (socket) => flood(socket, "", "HTTP/1.1 100 Continue\r\n\r\n"),
  "no HTTP": (socket) => socket.write("SSH-2.0-OpenSSH_9.6\r\n"),
  "an answer without an end": (socket) => flood(socket, chunked, `1000\r\n${" ".repeat(4_096)}\r\n`),
  "headers without an end": (socket) => flood(socket, "HTTP/1.1 200 OK\r\n", `X-More: ${"x".repeat(1_000)}\r\n`),
  "a byte now and then": drip,
  "nothing at all": () => undefined,
  "the end at once": (socket) => socket.destroy(),
  "half an answer": (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"port_proof":"'),
};

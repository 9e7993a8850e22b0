/**
 * The proof that what is at the other end of a connection holds the pairing key: asked over that very connection, before
 * anything else is sent on it. The counterpart of `sidecar/auth/pairing.py`.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { NotProvedError, UnavailableError } from "../errors.js";
import { helloBytesMax, nonceBytes } from "../limits.js";
import type { Published } from "./discovery.js";

/**
 * What the holder of the key answers: HMAC-SHA256 over the client's nonce, the store's epoch and the daemon's port,
 * hexadecimal. The port is in it because a stranger could ask the daemon, on another port, for a proof and hand it on.
 */
export function proofOf(pairingKey: string, nonce: string, epoch: string, port: number): string {
  return createHmac("sha256", pairingKey).update(`sidecar-hello-v2:${nonce}:${epoch}:${port}`).digest("hex");
}

/**
 * Make the other end of a connection prove itself; afterwards the connection is ready for the next request.
 *
 * The caller bounds the time, by destroying the socket.
 *
 * @throws NotProvedError It is not the daemon that has published itself, or says so.
 * @throws UnavailableError It closed the connection.
 */
export async function prove(socket: Socket, published: Published): Promise<void> {
  const nonce = randomBytes(nonceBytes).toString("base64url");
  const { status, body } = await hello(socket, published, nonce);
  if (status !== 200 || !isProof(body, nonce, published)) throw notProved(published.url);
}

function isProof(body: Buffer, nonce: string, { pairingKey, port }: Published): boolean {
  const { port_proof: proof, instance } = fields(body);
  if (typeof proof !== "string" || typeof instance !== "string") return false;
  const [given, wanted] = [Buffer.from(proof), Buffer.from(proofOf(pairingKey, nonce, instance, port))];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function fields(body: Buffer): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(body.toString("utf8"));
    return typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Ask over a connection that is open; settles when the connection is free for another request. */
function hello(socket: Socket, published: Published, nonce: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      host: published.host,
      port: published.port,
      path: `/api/v5/hello?nonce=${nonce}`,
      headers: { Connection: "keep-alive" },
    });
    const parts: Buffer[] = [];
    let answer: IncomingMessage | undefined;
    asked.on("response", (message) => {
      answer = message;
      let bytes = 0;
      message.on("data", (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes > helloBytesMax) socket.destroy(notProved(published.url));
      });
      message.on("error", reject);
    });
    asked.on("error", (error) => {
      reject(failure(error, published.url));
    });
    asked.on("upgrade", () => {
      socket.destroy(notProved(published.url));
    });
    socket.once("free", () => {
      resolve({ status: answer?.statusCode ?? 0, body: Buffer.concat(parts) });
    });
    socket.once("close", () => {
      reject(failure(socket.errored ?? undefined, published.url));
    });
    asked.end();
  });
}

function failure(error: Error | undefined, url: string): Error {
  if (error instanceof NotProvedError || error instanceof UnavailableError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  if (code.startsWith("HPE_")) return notProved(url); // it speaks no HTTP
  return new UnavailableError(`The daemon does not answer at ${url}.`, error === undefined ? {} : { cause: error });
}

function notProved(url: string): NotProvedError {
  return new NotProvedError(
    `What answers at ${url} is not your Sidecar daemon: it could not prove that it holds the pairing key. ` +
      "No secret was sent to it.",
  );
}

/** One HTTP request over a proved connection, and its answer read whole. Follows no redirect and keeps no cookie. */
import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { InvalidError, SidecarError, UnavailableError, isSidecarError } from "../errors.js";
import { answerBytesMax } from "../limits.js";
import { problemOf } from "./problem.js";
import type { ProvedAgent } from "./proved-agent.js";

export interface HttpRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  body?: string;
  /** How long an answer may be; a session's size unless said otherwise. */
  bytesMax?: number;
  trace?: Trace;
}

/** What has become of the requests that one call has led to. */
export class Trace {
  #sent = 0;
  #refused = 0;

  /** Whether the daemon may have done what was asked: a request has left that it has not refused. */
  get mayBeDone(): boolean {
    return this.#sent > this.#refused;
  }

  sent(): void {
    this.#sent += 1;
  }

  refused(): void {
    this.#refused += 1;
  }
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The JSON of the answer; undefined when it has none. */
  content: unknown;
}

/** The connection failed: the request may have been done or not, unless `isUnsent`. */
export class LostError extends UnavailableError {
  constructor(
    url: string,
    cause: unknown,
    /** Whether no byte of the request has left. */
    readonly isUnsent: boolean,
  ) {
    super(`The daemon does not answer at ${url}.`, { cause });
    this.name = "UnavailableError";
  }
}

/**
 * Send a request and return its answer.
 *
 * @throws SidecarError The daemon's problem document, as the class that its status stands for.
 * @throws LostError The connection failed.
 * @throws The signal's reason, when it was aborted first.
 */
export async function send(agent: ProvedAgent, asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const url = agent.published.url;
  const message = await head(agent, asked, signal);
  let bytes;
  try {
    bytes = await read(message, asked.bytesMax ?? answerBytesMax);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isSidecarError(error) ? error : new LostError(url, error, false);
  }
  const status = message.statusCode ?? 0;
  const content = parsed(bytes, status, url);
  if (status < 400) return { status, headers: message.headers, content };
  if (status < 500 || status === 503) asked.trace?.refused();
  throw problemOf(status, content);
}

function head(agent: ProvedAgent, asked: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { host, port, url } = agent.published;
  const { method, path, body } = asked;
  const type =
    body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const headers = { ...type, ...asked.headers };
    const sent = request({ agent, host, port, method, path, headers, signal });
    agent.guard(sent);
    let isUnsent = true;
    sent.on("socket", () => {
      if (sent.destroyed) return; // by the agent's guard
      isUnsent = false;
      asked.trace?.sent();
    });
    sent.on("response", resolve);
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      reject(unexpected(url));
    });
    sent.on("error", (error) => {
      if (signal.aborted) reject(signal.reason as Error);
      else reject(new LostError(url, error, isUnsent));
    });
    sent.end(body);
  });
}

async function read(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) {
      throw new InvalidError(`The answer has more than ${bytesMax} bytes.`, { code: "answer_too_large" });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parsed(bytes: Buffer, status: number, url: string): unknown {
  if (status < 200 || (status >= 300 && status < 400)) throw unexpected(url);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw unexpected(url);
  }
}

function unexpected(url: string): SidecarError {
  return new SidecarError(`What answers at ${url} does not speak Sidecar's API.`, { code: "not_the_api" });
}

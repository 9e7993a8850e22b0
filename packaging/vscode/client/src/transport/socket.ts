/** One WebSocket to the daemon, over a proved connection: opened, watched for silence, and how it ended. */
import type { ClientRequest } from "node:http";
import { WebSocket } from "ws";
import type { RawData } from "ws";
import type { SidecarError } from "../errors.js";
import { eventMessageBytesMax, socketCloseMsMax, socketOpenMsMax, socketSilenceMsMax } from "../limits.js";
import { problemOf } from "./problem.js";
import type { ProvedAgent } from "./proved-agent.js";

export const closedAway = 1001;
export const closedBroken = 1006;
export const closedBadMessage = 4400;
export const closedUnauthenticated = 4401;

/** How one connection ended. */
export interface Ending {
  code: number;
  reason: string;
  /** The problem, when the daemon refused the upgrade. */
  error?: SidecarError;
}

export function openSocket(agent: ProvedAgent, headers: Readonly<Record<string, string>>): WebSocket {
  const options = {
    agent,
    closeTimeout: socketCloseMsMax,
    finishRequest: (request: ClientRequest) => {
      agent.guard(request);
      request.end();
    },
    followRedirects: false,
    handshakeTimeout: socketOpenMsMax,
    headers,
    maxPayload: eventMessageBytesMax,
    perMessageDeflate: false,
  };
  return new WebSocket(`${agent.published.url.replace(/^http/, "ws")}/api/v5/events`, options);
}

/** Settle with how a connection ended; never rejects. */
export function endOf(socket: WebSocket, on: { open: () => void; message: (data: RawData) => void }): Promise<Ending> {
  return new Promise((resolve) => {
    let error: SidecarError | undefined;
    socket.on("open", on.open);
    socket.on("message", on.message);
    socket.on("unexpected-response", (_, response) => {
      const status = response.statusCode ?? 0;
      error = problemOf(status, undefined);
      socket.terminate();
      if (status === 401) resolve({ code: closedUnauthenticated, reason: "" });
    });
    socket.on("error", () => undefined); // `close` follows, and says enough
    socket.on("close", (code, reason) => {
      resolve({ code, reason: reason.toString("utf8"), ...(error !== undefined && { error }) });
    });
  });
}

/** Cut a connection on which not even a ping comes any more, although it is read. */
export function watchSilence(socket: WebSocket): { heard: () => void; end: () => void } {
  const timer = setTimeout(() => {
    if (socket.isPaused) timer.refresh();
    else socket.terminate();
  }, socketSilenceMsMax);
  const heard = (): void => {
    timer.refresh();
  };
  socket.on("ping", heard);
  return {
    heard,
    end: () => {
      clearTimeout(timer);
    },
  };
}

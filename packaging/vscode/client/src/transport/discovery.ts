/**
 * Finds the daemon: reads what it has published (`endpoint.json`, `pairing.key`) and takes the first that proves itself.
 * The counterpart of `sidecar/endpoint.py`.
 */
import { isIP } from "node:net";
import { join } from "node:path";
import { ForbiddenError, InvalidError, UnavailableError } from "../errors.js";
import type { SidecarError } from "../errors.js";
import { asSidecarError } from "../errors.js";
import { endpointFileBytesMax } from "../limits.js";
import { readPrivate } from "./private-file.js";

/** A daemon as it has published itself; whether it still runs, its proof tells. */
export interface Published {
  url: string;
  /** An address of this machine, without the brackets of IPv6. */
  host: string;
  port: number;
  pid: number;
  version: string;
  /** Names the store; cursors belong to one epoch. */
  epoch: string;
  pairingKey: string;
  /** Where it was found. */
  folder: string;
}

const pairingKeyPattern = /^[0-9a-f]{64}$/; // 256 bits

/**
 * Return what a daemon has published in a folder, or undefined when there is nothing.
 *
 * @throws InvalidError A file is there and is none of the daemon's.
 * @throws ForbiddenError A file could have been written by another user, or names another machine.
 */
export async function readPublished(folder: string): Promise<Published | undefined> {
  const [endpointFile, keyFile] = [join(folder, "endpoint.json"), join(folder, "pairing.key")];
  const [endpoint, key] = await Promise.all([
    readPrivate(endpointFile, endpointFileBytesMax),
    readPrivate(keyFile, endpointFileBytesMax),
  ]);
  if (endpoint === undefined || key === undefined) return undefined;
  const pairingKey = key.content.toString("latin1").trim();
  if (!pairingKeyPattern.test(pairingKey)) {
    throw new InvalidError(`${keyFile} is not a pairing key; start the daemon again.`);
  }
  return { ...parsed(endpoint.content, endpointFile), pairingKey, folder };
}

function parsed(content: Buffer, file: string): Omit<Published, "pairingKey" | "folder"> {
  const { url, pid, version, epoch } = fields(content);
  if (typeof url !== "string" || !Number.isInteger(pid) || typeof version !== "string" || typeof epoch !== "string") {
    throw new InvalidError(`${file} is not an endpoint of Sidecar; remove it.`);
  }
  return { url, pid: pid as number, version, epoch, ...place(url, file) };
}

function fields(content: Buffer): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(content.toString("utf8"));
    return typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** No secret is sent to a name, which could be made to point elsewhere, nor to another machine. */
function place(url: string, file: string): { host: string; port: number } {
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  const host = parts?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  const isLoopback = (isIP(host) === 4 && host.startsWith("127.")) || (isIP(host) === 6 && host === "::1");
  const isPlain = parts?.protocol === "http:" && parts.username === "" && parts.password === "";
  if (!isPlain || !isLoopback) {
    throw new ForbiddenError(`${file} names ${url}, which is not on this machine; no secret is sent there.`);
  }
  return { host, port: Number(parts.port || 80) };
}

/** Something that can be asked whether a published daemon is there and is who it says. */
export type Probe<W> = (published: Published) => Promise<W>;

/**
 * Return what `probe` makes of the first daemon, in the folders' order, that it accepts.
 *
 * @throws UnavailableError There is none; of several failures, the first is told.
 */
export async function discover<W>(folders: readonly string[], probe: Probe<W>): Promise<W> {
  let trouble: SidecarError | undefined;
  for (const folder of folders) {
    try {
      const published = await readPublished(folder);
      if (published !== undefined) return await probe(published);
    } catch (error) {
      trouble ??= asSidecarError(error); // left by one that crashed; another folder may name one that runs
    }
  }
  throw trouble ?? new UnavailableError("No daemon is running; `sidecar up` starts one.", { code: "not_running" });
}

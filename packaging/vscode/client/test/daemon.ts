/** A real daemon as a process: its own home, any free port, started and ended any number of times. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { connect } from "../src/index.js";
import type { ConnectionOptions, SidecarClient } from "../src/index.js";

const checkout = fileURLToPath(new URL("../../../../", import.meta.url));

/** The interpreter that has the daemon: SIDECAR_TEST_PYTHON, or the checkout's own. */
export const python =
  process.env["SIDECAR_TEST_PYTHON"] ??
  join(checkout, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");

export class Daemon {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "sidecar-client-")));
  readonly workspace = join(this.root, "workspace");
  readonly environment: Record<string, string>;
  readonly #clients: SidecarClient[] = [];
  #process: ChildProcess | undefined;

  constructor() {
    if (!existsSync(python))
      throw new Error(`${python} is not there; run scripts/test once, or set SIDECAR_TEST_PYTHON.`);
    const inherited = Object.entries(process.env).filter(([name]) => !/^(SIDECAR_|XDG_|GIT_)/.test(name));
    this.environment = {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      HOME: join(this.root, "user"),
      SIDECAR_HOME: join(this.root, "home"),
      GIT_CONFIG_NOSYSTEM: "1",
    };
    mkdirSync(join(this.root, "user"));
    mkdirSync(this.workspace);
  }

  /** Where it publishes itself. */
  get runtimeDir(): string {
    return join(this.root, "home", "run");
  }

  /** All folders where it publishes itself, in the order in which clients look. */
  get runtimeDirs(): string[] {
    return [this.runtimeDir, join(this.root, "home", "state", "run")];
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get url(): string {
    return (JSON.parse(readFileSync(join(this.runtimeDir, "endpoint.json"), "utf8")) as { url: string }).url;
  }

  get pairingKey(): string {
    return readFileSync(join(this.runtimeDir, "pairing.key"), "utf8").trim();
  }

  /** Start it and wait until it has published itself. */
  async start(port = 0): Promise<this> {
    const output = openSync(join(this.root, "output.txt"), "a");
    this.#process = spawn(python, ["-m", "sidecar", "up", this.workspace, "--port", String(port)], {
      cwd: checkout,
      env: this.environment,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    await eventually(() => {
      if (this.#process?.exitCode !== null) throw new Error(readFileSync(join(this.root, "output.txt"), "utf8"));
      return this.#isPublished();
    });
    return this;
  }

  /** End it at once, as a crash does, or by another signal. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const running = this.#process;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** A client of this daemon, closed with it. */
  client(options: ConnectionOptions = {}): SidecarClient {
    const client = connect({ environment: this.environment, ...options });
    this.#clients.push(client);
    return client;
  }

  /** End it, and all that was made of it. */
  async remove(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close({ timeoutMs: 0 })));
    await this.kill();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Tell whether it has published itself wherever clients look. */
  #isPublished(): boolean {
    return this.runtimeDirs.every((folder) => {
      const file = join(folder, "endpoint.json");
      return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid === this.pid;
    });
  }
}

/** A daemon for all tests of a file, and a client of it. */
export function served(): { daemon: Daemon; client: SidecarClient } {
  const daemon = new Daemon();
  const client = daemon.client();
  beforeAll(async () => {
    await daemon.start();
    await client.ready({ timeoutMs: 60_000 });
  });
  afterAll(() => daemon.remove());
  return { daemon, client };
}

/** Wait until something is so. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 10));
}

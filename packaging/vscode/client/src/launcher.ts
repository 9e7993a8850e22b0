/**
 * Asks the machine to start the daemon. The host injects one; without, a daemon that is not running stays so.
 */
import { spawn } from "node:child_process";
import { homedir } from "node:os";

export interface Launcher {
  /**
   * Ask the daemon to start. The client looks for it meanwhile, so this may settle at once, or when the daemon ends.
   *
   * @param signal Aborted when the daemon was not found for long, or the client is closed before it was.
   * @returns Whether it was asked: false when it is not installed.
   */
  start(signal: AbortSignal): Promise<boolean>;
}

export interface CommandOptions {
  /** A name on the PATH, or a path; `sidecar`. */
  command?: string;
  /** `up --service` unless said otherwise: it watches what was watched before. */
  arguments?: readonly string[];
  environment?: NodeJS.ProcessEnv;
}

/** A launcher that runs a command and lets it go on when the host ends. */
export function commandLauncher(options: CommandOptions = {}): Launcher {
  const { command = "sidecar", environment = process.env } = options;
  const asked = options.arguments ?? ["up", "--service"];
  return {
    start: () =>
      new Promise((resolve, reject) => {
        const started = spawn(command, asked, {
          cwd: homedir(),
          detached: true,
          env: environment,
          stdio: "ignore",
          windowsHide: true,
        });
        started.once("spawn", () => {
          started.unref();
          resolve(true);
        });
        started.once("error", (error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") resolve(false);
          else reject(error);
        });
      }),
  };
}

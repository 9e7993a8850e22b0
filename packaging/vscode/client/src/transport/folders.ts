/**
 * Where a daemon publishes itself: the same folders as `sidecar/config.py` and platformdirs choose, on each platform.
 *
 * A pure function of a machine but for the one file and the one folder it looks at, so that tests ask it about all three.
 */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { posix, win32 } from "node:path";
import { InvalidError } from "../errors.js";
import { configFileBytesMax } from "../limits.js";
import { foldersOfConfig } from "./config-file.js";

/** What the folders depend on. */
export interface Machine {
  platform: NodeJS.Platform;
  environment: Readonly<Record<string, string | undefined>>;
  home: string;
  uid: number | undefined;
}

/** The daemon's folders as far as a client needs them. */
export interface Folders {
  stateDir: string;
  /** Where to look for a running daemon, in this order. */
  runtimeDirs: string[];
}

export function thisMachine(environment: Machine["environment"] = process.env): Machine {
  return { platform: process.platform, environment, home: homeOf(environment), uid: process.geteuid?.() };
}

export function foldersOf(machine: Machine): Folders {
  const path = machine.platform === "win32" ? win32 : posix;
  const chosen = (name: string): string | undefined => {
    const value = machine.environment[name];
    return value === undefined || value === "" ? undefined : absolute(machine, value);
  };
  const home = chosen("SIDECAR_HOME");
  const bases =
    home === undefined
      ? platformBases(machine)
      : { state: path.join(home, "state"), config: path.join(home, "config") };
  const configDir = chosen("SIDECAR_CONFIG_DIR") ?? bases.config;
  const written = configured(path.join(configDir, "config.toml"));
  const givenState = chosen("SIDECAR_STATE_DIR");
  const stateDir = givenState ?? (written.stateDir === undefined ? bases.state : absolute(machine, written.stateDir));
  const given =
    chosen("SIDECAR_RUNTIME_DIR") ??
    (written.runtimeDir === undefined ? undefined : absolute(machine, written.runtimeDir));
  const usual = home === undefined ? sessionRuntimeDirs(machine) : [path.join(home, "run")];
  // As the daemon: what config.toml says of the state does not move the runtime folder that stands in for a session's.
  const fallback = path.join(givenState ?? bases.state, "run");
  const runtimeDirs = given === undefined ? [...usual, fallback] : [given];
  return { stateDir, runtimeDirs: [...new Set([...runtimeDirs, path.join(stateDir, "run")])] };
}

/** Return the file's content; an absent one says nothing. */
function configured(file: string): ReturnType<typeof foldersOfConfig> {
  try {
    if (statSync(file).size > configFileBytesMax) throw new Error("it is too large");
    return foldersOfConfig(readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    throw new InvalidError(`${file} can not be read: ${message}.`, { cause: error });
  }
}

function platformBases({ platform, environment, home }: Machine): { state: string; config: string } {
  if (platform === "win32") {
    const both = win32.join(localAppData(environment, home), "sidecar");
    return { state: both, config: both };
  }
  const mac = posix.join(home, "Library", "Application Support");
  const [state, config] =
    platform === "darwin" ? [mac, mac] : [posix.join(home, ".local", "state"), posix.join(home, ".config")];
  return {
    state: posix.join(xdg(environment, "XDG_STATE_HOME") ?? state, "sidecar"),
    config: posix.join(xdg(environment, "XDG_CONFIG_HOME") ?? config, "sidecar"),
  };
}

/** Return the login session's own folders, the likeliest first; on Linux none unless it is truly the user's. */
function sessionRuntimeDirs(machine: Machine): string[] {
  const { platform, environment, home } = machine;
  if (platform === "win32") return [win32.join(localAppData(environment, home), "Temp", "sidecar")];
  const parent = xdg(environment, "XDG_RUNTIME_DIR");
  const own = parent !== undefined && isOwn(parent, machine.uid) ? [posix.join(parent, "sidecar")] : [];
  return platform === "darwin" ? [...own, posix.join(home, "Library", "Caches", "TemporaryItems", "sidecar")] : own;
}

function isOwn(folder: string, uid: number | undefined): boolean {
  try {
    const status = statSync(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return status.isDirectory() && status.uid === uid;
  } catch {
    return false;
  }
}

/** The XDG specification: a path that is not absolute is ignored. */
function xdg(environment: Machine["environment"], name: string): string | undefined {
  const value = environment[name] ?? "";
  return value.startsWith("/") ? value : undefined;
}

function localAppData(environment: Machine["environment"], home: string): string {
  return (
    environment["WIN_PD_OVERRIDE_LOCAL_APPDATA"] ?? environment["LOCALAPPDATA"] ?? win32.join(home, "AppData", "Local")
  );
}

function absolute(machine: Machine, given: string): string {
  const path = machine.platform === "win32" ? win32 : posix;
  const expanded = /^~(?=$|[/\\])/.test(given) ? machine.home + given.slice(1) : given;
  return path.resolve(expanded);
}

function homeOf(environment: Machine["environment"]): string {
  const given = process.platform === "win32" ? environment["USERPROFILE"] : environment["HOME"];
  return given === undefined || given === "" ? homedir() : given;
}

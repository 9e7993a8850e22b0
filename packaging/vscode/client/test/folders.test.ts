/** The client looks where the daemon publishes: on each platform, compared with the daemon's own code and platformdirs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { InvalidError } from "../src/index.js";
import { foldersOfConfig } from "../src/transport/config-file.js";
import { foldersOf } from "../src/transport/folders.js";
import { python } from "./daemon.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "sidecar-folders-")));
const home = join(root, "user");
const own = join(root, "own");
mkdirSync(home);
mkdirSync(own, { mode: 0o700 });
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Environment = Record<string, string>;

/** What the daemon itself says, as a process with this environment. */
function daemonsFolders(environment: Environment): { stateDir: string; runtimeDirs: string[] } {
  const script =
    "import json; from sidecar import config; s = config.load(); " +
    "print(json.dumps([str(s.state_dir), [str(each) for each in s.runtime_dirs]]))";
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, ...environment };
  const text = execFileSync(python, ["-c", script], { env, cwd: "/", encoding: "utf8" });
  const [stateDir, runtimeDirs] = JSON.parse(text) as [string, string[]];
  return { stateDir, runtimeDirs };
}

describe.skipIf(process.platform !== "linux")("on this machine", () => {
  const inHome = join(home, ".config", "sidecar", "config.toml");
  const moved = 'state_dir = "~/elsewhere" # by hand\nruntime_dir = \'/run/my "own"\'\n[other]\nstate_dir = "/no"\n';
  test.each<[string, Environment, string]>([
    ["nothing is set", {}, ""],
    ["SIDECAR_HOME is set", { SIDECAR_HOME: join(root, "side") }, ""],
    ["SIDECAR_HOME begins with a tilde", { SIDECAR_HOME: "~/side" }, ""],
    ["SIDECAR_HOME is relative", { SIDECAR_HOME: "side" }, ""],
    ["SIDECAR_HOME is empty", { SIDECAR_HOME: "" }, ""],
    ["the runtime folder is set", { SIDECAR_RUNTIME_DIR: "/run/x" }, ""],
    ["the state folder is set", { SIDECAR_STATE_DIR: "/var/x/" }, ""],
    ["home and state are set", { SIDECAR_HOME: join(root, "side"), SIDECAR_STATE_DIR: "/var/x" }, ""],
    ["XDG folders are set", { XDG_STATE_HOME: "/xdg/state", XDG_CONFIG_HOME: "/xdg/config" }, ""],
    ["an XDG folder is relative", { XDG_STATE_HOME: "state" }, ""],
    ["there is a session's runtime folder", { XDG_RUNTIME_DIR: own }, ""],
    ["the session's runtime folder is not there", { XDG_RUNTIME_DIR: join(root, "none") }, ""],
    ["the session's runtime folder is a file", { XDG_RUNTIME_DIR: python }, ""],
    ["config.toml moves folders", {}, moved],
    ["config.toml and the environment move folders", { SIDECAR_STATE_DIR: "/var/x" }, 'runtime_dir = "/run/y"\n'],
    ["config.toml has an escape", {}, 'state_dir = "/a\\tb\\u00e9\\U0001F642"\n'],
  ])("%s", (_, environment, config) => {
    rmSync(join(home, ".config"), { recursive: true, force: true });
    mkdirSync(join(inHome, ".."), { recursive: true });
    if (config !== "") writeFileSync(inHome, config.replace(/\[other\][^]*/, ""));
    const before = process.cwd();
    process.chdir("/"); // relative folders are relative to where the daemon was started
    const found = foldersOf({ platform: "linux", environment, home, uid: process.geteuid?.() });
    process.chdir(before);
    const wanted = daemonsFolders(environment);
    expect(found.stateDir).toBe(wanted.stateDir);
    for (const each of wanted.runtimeDirs) expect(found.runtimeDirs).toContain(each);
    expect(found.runtimeDirs[0]).toBe(wanted.runtimeDirs[0]);
  });
});

describe("on other platforms, as platformdirs has it", () => {
  test.each<[NodeJS.Platform, string, Environment]>([
    ["darwin", "macos.MacOS", {}],
    ["darwin", "macos.MacOS", { XDG_STATE_HOME: "/xdg/state", XDG_CONFIG_HOME: "/xdg/config" }],
    ["darwin", "macos.MacOS", { XDG_RUNTIME_DIR: own }],
    ["win32", "windows.Windows", { WIN_PD_OVERRIDE_LOCAL_APPDATA: "C:\\Users\\dev\\AppData\\Local" }],
    ["linux", "unix.Unix", { XDG_STATE_HOME: "/xdg/state" }],
  ])("%s (%s) with %j", (platform, name, environment) => {
    rmSync(join(home, ".config"), { recursive: true, force: true });
    const [module = "", kind = ""] = name.split(".");
    const script =
      `import json; from platformdirs.${module} import ${kind}; d = ${kind}("sidecar", appauthor=False); ` +
      "print(json.dumps([d.user_state_dir, d.user_runtime_dir]))";
    const env = { PATH: process.env["PATH"] ?? "", HOME: home, ...environment };
    const text = execFileSync(python, ["-W", "ignore", "-c", script], { env, encoding: "utf8" });
    const [state, runtime] = (JSON.parse(text) as string[]).map((each) =>
      platform === "win32" ? each.replaceAll("/", "\\") : each,
    );
    const found = foldersOf({ platform, environment, home, uid: process.geteuid?.() });
    expect(found.stateDir).toBe(state);
    if (platform !== "linux") expect(found.runtimeDirs).toContain(runtime); // there the daemon has a rule of its own
  });

  test("on Windows the folder of local data is the environment's, or the usual one", () => {
    const machine = { platform: "win32", home: "C:\\Users\\dev", uid: undefined } as const;
    const usual = foldersOf({ ...machine, environment: {} });
    const local = "C:\\Users\\dev\\AppData\\Local";
    expect(usual.stateDir).toBe(`${local}\\sidecar`);
    expect(usual.runtimeDirs[0]).toBe(`${local}\\Temp\\sidecar`);
    expect(foldersOf({ ...machine, environment: { LOCALAPPDATA: "E:\\Local" } }).stateDir).toBe("E:\\Local\\sidecar");
  });

  test("on Windows SIDECAR_HOME is a Windows path", () => {
    const environment = { SIDECAR_HOME: "D:\\side" };
    const found = foldersOf({ platform: "win32", environment, home: "C:\\Users\\dev", uid: undefined });
    expect(found).toEqual({ stateDir: "D:\\side\\state", runtimeDirs: ["D:\\side\\run", "D:\\side\\state\\run"] });
  });
});

test("a config.toml that can not be read is told of", () => {
  const environment = { SIDECAR_CONFIG_DIR: join(root, "broken") };
  mkdirSync(join(root, "broken", "config.toml"), { recursive: true });
  const call = (): unknown => foldersOf({ platform: "linux", environment, home, uid: 0 });
  expect(call).toThrow(InvalidError);
});

test("only top-level keys of config.toml are taken", () => {
  const text =
    '# state_dir = "/no"\nport = 1\n"state_dir" = "/quoted" # yes\r\nstore = "embedded:x"\n[t]\nruntime_dir = "/no"\n';
  expect(foldersOfConfig(text)).toEqual({ stateDir: "/quoted" });
});

/** What the README says, runs: each of its examples as a script of its own, by `import` and by `require`. */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as client from "../src/index.js";
import * as limits from "../src/limits.js";
import { Daemon, python } from "./daemon.js";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(packageFolder, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map((match) => match[1] ?? "");
const examples = blocks
  .map((text) => [/^(?:## )(.*)$/gm, text] as const)
  .map(([, text], n) => [titleOf(n), text] as const);

const daemon = new Daemon();
let scripts: string;

beforeAll(async () => {
  await daemon.start();
  scripts = mkdtempSync(join(packageFolder, "dist", "readme-")); // inside the package, which so finds itself by its name
});
afterAll(async () => {
  rmSync(scripts, { recursive: true, force: true });
  await daemon.remove();
});

function titleOf(n: number): string {
  const before = readme.slice(0, readme.indexOf(blocks[n] ?? ""));
  return [...before.matchAll(/^## (.*)$/gm)].at(-1)?.[1] ?? "";
}

/** The same script for `require`, which has no `await` at the top. */
function asCommonJs(text: string): string {
  const required = text.replaceAll(/^import (\{.*\}) from (".*");$/gm, "const $1 = require($2);");
  return `(async () => {\n${required}})().catch((error) => { console.error(error); process.exit(1); });\n`;
}

async function run(name: string, text: string): Promise<string> {
  const file = join(scripts, name);
  writeFileSync(file, text);
  const home = join(daemon.root, "project");
  mkdirSync(home, { recursive: true });
  const launched = { ...daemon.environment, PATH: `${join(python, "..")}:${daemon.environment["PATH"] ?? ""}` };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: home, env: launched });
  return stdout;
}

const forms = [
  ["import", (text: string) => text, "mjs"],
  ["require", asCommonJs, "cjs"],
] as const;

test.each(forms)(
  "the script that saves and restores a session has 20 lines and works with %s",
  async (_, form, end) => {
    const text = blocks[0] ?? "";
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
    const output = await run(`first.${end}`, form(text));
    expect(output).toMatch(/^session .*, version \d+\nsaved version \d+\nrestored const answer = 42;\n$/);
  },
);

const cases = examples.slice(1).flatMap(([title, text], n) => forms.map((form) => [title, n, text, ...form] as const));
const expected: Readonly<Record<string, RegExp>> = {
  "What a call does": /online[^]*admin\nno such session\n/,
  "Writes that may be delayed": /done: 4\n0 writes left|user: Why\?\nassistant: .*\n\{ messages: 2, tokens: 9 \}/,
  Changes: /^created notes.md [0-9a-f]{64}$/m,
  "Who is logged in": /^dev-.* is admin\nmy-editor /,
  "Starting the daemon": /^\d+\.\d+\.\d+\n$/,
  "Only what is used": /^dark\n$/,
};

test.each(cases)("the example of “%s” (%i) works", async (title, n, text, by, form, end) => {
  expect(await run(`example-${n}.${end}`, form(text)), by).toMatch(expected[title] ?? /never/);
});

test("the examples are strict TypeScript too", () => {
  for (const [n, text] of blocks.entries()) writeFileSync(join(scripts, `example-${n}.mts`), text);
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const compilerOptions = { ...strict, module: "NodeNext", noEmit: true, lib: ["ES2022"], types: ["node"] };
  writeFileSync(join(scripts, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts"] }));
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", scripts], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

test("each service's calls are all in the table, and no others", () => {
  const services = {
    sessions: client.SessionService,
    users: client.UserService,
    llm: client.LlmService,
    files: client.FileService,
    settings: client.SettingsService,
  };
  for (const [name, service] of Object.entries(services)) {
    const row = new RegExp(`^\\| \`${name}\` +\\| (.*) \\|$`, "m").exec(readme)?.[1] ?? "";
    const told = [...row.matchAll(/`(\w+)`/g)].map((match) => match[1]);
    const there = Object.getOwnPropertyNames(service.prototype).filter((each) => each !== "constructor");
    expect(told.sort()).toEqual(there.sort());
  }
});

test("the bounds that it tells of are those that hold", () => {
  const told: [string, Partial<typeof limits>][] = [
    ["10 s unless said otherwise", { callMsDefault: 10_000 }],
    ["At most 10,000 writes of together 64 MB", { queueWritesMax: 10_000, queueBytesMax: 67_108_864 }],
    ["is older than 23 hours", { replayMsMax: 82_800_000 }],
    ["at most every 30 s", { launchIntervalMsMin: 30_000 }],
  ];
  for (const [words, bounds] of told) {
    expect(readme.replaceAll("\n", " ")).toContain(words);
    expect(limits).toMatchObject(bounds);
  }
});

test("each file is in the table of the checkout's ARCHITECTURE.md", () => {
  const text = readFileSync(join(packageFolder, "../../../ARCHITECTURE.md"), "utf8");
  const rows = text.split("npm workspace")[1]?.split("\n\n")[1] ?? "";
  const told = new Set([...rows.matchAll(/`([\w-]+)`/g)].map((match) => match[1]));
  const files = readdirSync(join(packageFolder, "src"), { recursive: true, encoding: "utf8" });
  const names = files.filter((each) => each.endsWith(".ts") && !each.startsWith("generated"));
  const missing = names
    .map((each) => basename(each, ".ts"))
    .filter((each) => !told.has(each) && !each.endsWith("-service"));
  expect(missing).toEqual([]);
});

test("each class of errors is in the table", () => {
  const told = [...readme.matchAll(/`(\w+Error)`/g)].map((match) => match[1]);
  for (const name of Object.keys(client).filter((each) => each.endsWith("Error") && each !== "isSidecarError")) {
    if (name !== "NotProvedError") expect(told).toContain(name); // an UnavailableError
  }
});

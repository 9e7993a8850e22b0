/** The package as it is published: two builds of one source, one dependency, and nothing in it that is not used. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const description = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, object>;
const require = createRequire(import.meta.url);
const own = "@sidecar/client"; // found by its name, as a stranger finds it; there once it is built
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(folder, "dist", "package-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("import and require give the same names", async () => {
  const imported = (await import(own)) as Record<string, unknown>;
  const required = require(own) as Record<string, unknown>;
  expect(
    Object.keys(required)
      .filter((each) => each !== "__esModule")
      .sort(),
  ).toEqual(Object.keys(imported).sort());
  expect(imported["connect"]).not.toBe(required["connect"]);
});

test("an error of one build is known to the other", async () => {
  const { isSidecarError } = (await import(own)) as { isSidecarError: (e: unknown) => boolean };
  const { NotFoundError } = require(own) as { NotFoundError: new (message: string) => Error };
  expect(isSidecarError(new NotFoundError("x"))).toBe(true);
  expect(isSidecarError(new Error("x"))).toBe(false);
});

test("ws is the one dependency at run time", () => {
  expect(Object.keys(description["dependencies"] ?? {})).toEqual(["ws"]);
  expect(description["sideEffects"]).toBe(false);
});

test("what is published are the builds and the README", () => {
  const text = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: folder,
    encoding: "utf8",
  });
  const packed: unknown = JSON.parse(text);
  const [only] = Object.values(packed as Record<string, { files: { path: string }[] }>);
  const paths = only!.files.map((each) => each.path).filter((each) => !/^dist\/(readme|package)-/.test(each));
  for (const path of paths)
    expect(path).toMatch(/^(README\.md|package\.json|dist\/(esm|cjs)\/.*(\.js|\.d\.ts|package\.json))$/);
  expect(paths).toContain("dist/cjs/index.js");
});

async function bundled(text: string): Promise<string> {
  const entry = join(scratch, "entry.mjs");
  writeFileSync(entry, text);
  const build = await rolldown({ input: entry, external: [/^node:/, "ws"], platform: "node" });
  const { output } = await build.generate({ format: "esm" });
  return output[0].code;
}

test("a bundle holds the services that it uses, and no others", async () => {
  const one = await bundled(
    'import { Connection, SettingsService } from "@sidecar/client"; new SettingsService(new Connection());',
  );
  expect(one).toContain("SettingsService = class");
  for (const each of ["SessionService", "LlmService", "FileService", "UserService", "FileQueueStore", "spawn("]) {
    expect(one).not.toContain(each);
  }
  expect((await bundled('import "@sidecar/client";')).replaceAll(/^\/\/.*$/gm, "").trim()).toBe("export {};");
});

test("a stranger's strict TypeScript compiles against the types of both builds", () => {
  const source =
    'import { connect, type Saved, type Setting } from "@sidecar/client";\n' +
    "export const saved: Promise<Saved<Setting>> = connect().settings.set('a', 'b', { c: [1, null] });\n";
  const options = { strict: true, module: "NodeNext", noEmit: true, exactOptionalPropertyTypes: true, lib: ["ES2022"] };
  writeFileSync(join(scratch, "user.mts"), source);
  writeFileSync(join(scratch, "user.cts"), source);
  const compilerOptions = { ...options, types: ["node"] };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["user.mts", "user.cts"] }));
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", scratch], {
    stdio: "pipe",
    encoding: "utf8",
  });
});

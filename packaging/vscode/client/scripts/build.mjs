// Compiles the client twice from one source: dist/esm for `import`, dist/cjs for `require`, each with its own types.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const common = ["--project", "tsconfig.build.json"];
const commonJs = ["--outDir", "dist/cjs", "--module", "commonjs", "--moduleResolution", "node10"];

rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [compiler, ...common], { cwd: root, stdio: "inherit" });
execFileSync(process.execPath, [compiler, ...common, ...commonJs, "--verbatimModuleSyntax", "false"], {
  cwd: root,
  stdio: "inherit",
});
writeFileSync(join(root, "dist/cjs/package.json"), '{ "type": "commonjs" }\n'); // the package itself is a module

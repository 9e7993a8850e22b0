// Writes src/generated from the daemon's OpenAPI and AsyncAPI documents; with --check it only compares.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const documents = new URL("../../../api/", import.meta.url);
const generated = new URL("../src/generated/", import.meta.url);
const options = { defaultNonNullable: false, alphabetize: true };

function read(name) {
  return JSON.parse(readFileSync(new URL(name, documents), "utf8"));
}

/** AsyncAPI's schemas are JSON Schema as OpenAPI 3.1's are, so one generator serves both. */
function schemasAlone(asyncapi) {
  return { openapi: "3.1.0", info: asyncapi.info, paths: {}, components: { schemas: asyncapi.components.schemas } };
}

async function typesOf(document, name) {
  const digest = createHash("sha256")
    .update(readFileSync(new URL(name, documents)))
    .digest("hex");
  const head = `// Made by \`npm run generate\` from packaging/api/${name}; do not edit.\n// SHA-256 of that: ${digest}\n\n`;
  return head + astToString(await openapiTS(document, options));
}

const texts = {
  "openapi.ts": await typesOf(read("openapi.json"), "openapi.json"),
  "asyncapi.ts": await typesOf(schemasAlone(read("asyncapi.json")), "asyncapi.json"),
};

let stale = 0;
for (const [name, text] of Object.entries(texts)) {
  const file = new URL(name, generated);
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`${fileURLToPath(file)} is not what the daemon's documents say; run: npm run generate`);
    stale += 1;
  }
}
process.exitCode = stale === 0 ? 0 : 1;

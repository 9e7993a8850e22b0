/**
 * The two folders that the daemon's `config.toml` may move. Not a TOML parser: the file is flat by the daemon's rules,
 * and only these keys matter to a client.
 */

const line = /^\s*(?:"(\w+)"|'(\w+)'|(\w+))\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*')\s*(?:#.*)?$/;

/** Return `state_dir` and `runtime_dir` as the text of the file gives them. */
export function foldersOfConfig(text: string): { stateDir?: string; runtimeDir?: string } {
  const found = new Map<string, string>();
  for (const each of text.split(/\r?\n/)) {
    if (/^\s*\[/.test(each)) break; // a table: what follows are not top-level keys
    const match = line.exec(each);
    const key = match?.[1] ?? match?.[2] ?? match?.[3];
    const value = match?.[4];
    if (key !== undefined && value !== undefined) found.set(key, unquoted(value));
  }
  const stateDir = found.get("state_dir");
  const runtimeDir = found.get("runtime_dir");
  return { ...(stateDir !== undefined && { stateDir }), ...(runtimeDir !== undefined && { runtimeDir }) };
}

function unquoted(value: string): string {
  if (value.startsWith("'")) return value.slice(1, -1);
  const asJson = value
    .replaceAll(/\\U([0-9A-Fa-f]{8})/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .replaceAll("\\e", "\\u001b");
  try {
    return JSON.parse(asJson) as string;
  } catch {
    return value.slice(1, -1); // a control character that TOML forbids too: the daemon refuses the file
  }
}

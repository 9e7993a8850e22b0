# shellcheck shell=bash
# Sets $without_node to why the TypeScript client can not be tested here; empty when it can. Read by scripts/test, scripts/client.
without_node=
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    without_node="there is no node with npm on the PATH"
elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    without_node="it needs Node 20.19 or newer, and this is $(node --version)"
fi

#!/usr/bin/env bash
# AssemblyScript 0.28.20: to import its compiler in one file takes `undefined` from `at()` in every file of the program.
#
# `assemblyscript/asc` is what a build script imports to compile modules. Its declarations are made from the compiler's own
# sources with the typings of AssemblyScript's portable library, which say `interface Array<T> { at(index: number): T }`, and
# the same of strings and typed arrays, in the global scope. An overload that comes from elsewhere goes before the platform's,
# so `[].at(-1)` is a T, never undefined, in all files that are checked together with that one, whether they know of the
# compiler or not: code that forgets the empty array compiles from then on, and a linter calls every `!` behind `at()`
# superfluous. `pop`, `find` and `Map.get` stay as they were.
# A build that runs the package's command line (bin/asc.js) instead has none of it.
#
# Seen with assemblyscript 0.28.20 and TypeScript 5.9.3 under Node 20:
#   alone: probe.ts(1,14) probe.ts(2,14) probe.ts(3,14)
#   beside a file that imports assemblyscript/asc: probe.ts(2,14)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' >package.json
npm install --silent --no-audit --no-fund typescript@5.9.3 assemblyscript@0.28.20 @types/node@20.19.43
cat >probe.ts <<'PROBE'
export const last: number = [1].at(-1);
export const popped: number = [1].pop();
export const first: number = new Float32Array(1).at(0);
PROBE
cat >build.ts <<'BUILD'
import asc from 'assemblyscript/asc';
export const version: string = asc.version;
BUILD

# Where the compiler finds fault with probe.ts, checked together with other files.
faults() {
  printf '{ "compilerOptions": { "strict": true, "target": "es2022", "module": "nodenext", "noEmit": true, "skipLibCheck": true, "types": ["node"] }, "files": %s }' "$1" >tsconfig.json
  (npx --no-install tsc || true) | sed -n 's/^\(probe.ts([0-9,]*)\).*/\1/p' | paste -sd ' '
}

alone=$(faults '["probe.ts"]')
beside=$(faults '["probe.ts", "build.ts"]')
echo "alone: $alone"
echo "beside a file that imports assemblyscript/asc: $beside"
[[ $alone == 'probe.ts(1,14) probe.ts(2,14) probe.ts(3,14)' ]]
[[ $beside == 'probe.ts(2,14)' ]]

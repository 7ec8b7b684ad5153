#!/usr/bin/env bash
# TypeScript 7's DOM knows what a GPUDevice is, but not the constants that every WebGPU program spells: GPUBufferUsage,
# GPUShaderStage, GPUMapMode. @webgpu/types has them, and declares all the rest a second time, otherwise than the DOM: the
# two together are refused. So one line that names GPUBufferUsage.STORAGE compiles without skipLibCheck on TypeScript
# 5.9 with that package, and on 7.0 neither with it nor without it; with skipLibCheck the package is what is wanted.
# Seen on 2026-11-28: typescript 7.0.2 and 5.9.3, @webgpu/types 0.1.74, Node 20; errors, lib ES2022 and DOM:
#   5.9.3 without @webgpu/types: 1 (TS2304)
#   5.9.3 with @webgpu/types: 0
#   7.0.2 without @webgpu/types: 1 (TS2304)
#   7.0.2 with @webgpu/types: 182 (TS2300 TS2403 TS2687 TS2717)
#   7.0.2 with @webgpu/types and skipLibCheck: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund typescript@7.0.2 typescript-5.9@npm:typescript@5.9.3 @webgpu/types@0.1.74
echo 'export const usage: number = GPUBufferUsage.STORAGE;' > usage.ts

# said NAME COMPILER TYPES SKIPLIBCHECK: how many errors, and which
said() {
  cat > tsconfig.json <<JSON
{
  "compilerOptions": {
    "strict": true, "noEmit": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler",
    "lib": ["ES2022", "DOM"], "types": [$3], "skipLibCheck": $4
  },
  "files": ["usage.ts"]
}
JSON
  node "node_modules/$2/bin/tsc" -p . > out.txt || true
  codes=$(grep -o 'error TS[0-9]*' out.txt | cut -c7- | sort -u | tr '\n' ' ' || true)
  echo "$1: $(grep -c 'error TS' out.txt || true)${codes:+ (${codes% })}"
}

{
  said '5.9.3 without @webgpu/types' typescript-5.9 '' false
  said '5.9.3 with @webgpu/types' typescript-5.9 '"@webgpu/types"' false
  said '7.0.2 without @webgpu/types' typescript '' false
  said '7.0.2 with @webgpu/types' typescript '"@webgpu/types"' false
  said '7.0.2 with @webgpu/types and skipLibCheck' typescript '"@webgpu/types"' true
} | tee seen.txt

diff seen.txt - <<'SEEN'
5.9.3 without @webgpu/types: 1 (TS2304)
5.9.3 with @webgpu/types: 0
7.0.2 without @webgpu/types: 1 (TS2304)
7.0.2 with @webgpu/types: 182 (TS2300 TS2403 TS2687 TS2717)
7.0.2 with @webgpu/types and skipLibCheck: 0
SEEN

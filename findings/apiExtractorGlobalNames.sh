#!/usr/bin/env bash
# API Extractor 7.60.1: an export that is called as a global of the platform has another name in the reference.
#
# Its rollup of declarations may rename a local, `Report_2`, and export it under its own name again, so that a program sees
# nothing of it. But the model for documentation (*.api.json), from which pages are made, takes the local's name for the
# export's: the reference of a package that exports `Report` or `Response` describes `Report_2`, its anchors are called so,
# and the signatures beside it still say `Report`, so that nothing links. Whether a name is a global depends on the compiler's
# `lib`: the same declarations are documented as `Report` where tsconfig.json leaves out the DOM, and a name that is free today
# changes in the reference when a later TypeScript's DOM takes it.
# Who makes pages of the model has to look each name up among the entry point's exports.
#
# Seen with @microsoft/api-extractor 7.60.1 (TypeScript 6.0.3 within) under Node 20:
#   with the DOM: Report_2 probe!Report_2:interface, signature of tell: Report
#   without it: Report probe!Report:interface, signature of tell: Report
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "name": "probe", "version": "1.0.0", "types": "index.d.ts", "private": true }' >package.json
npm install --silent --no-audit --no-fund @microsoft/api-extractor@7.60.1
cat >index.d.ts <<'TYPES'
/**
 * What a step tells.
 * @public
 */
export interface Report {
  readonly step: number;
}

/**
 * The last one.
 * @public
 */
export declare function tell(): Report;
TYPES
cat >api-extractor.json <<'JSON'
{
  "projectFolder": ".",
  "mainEntryPointFilePath": "<projectFolder>/index.d.ts",
  "compiler": { "tsconfigFilePath": "<projectFolder>/tsconfig.json" },
  "apiReport": { "enabled": false },
  "docModel": { "enabled": true, "apiJsonFilePath": "<projectFolder>/api.json" },
  "dtsRollup": { "enabled": false },
  "tsdocMetadata": { "enabled": false }
}
JSON

# Makes the model with some libraries of the compiler's, and says what it calls the interface.
model() {
  printf '{ "compilerOptions": { "lib": %s, "types": [] }, "files": ["index.d.ts"] }' "$1" >tsconfig.json
  npx --no-install api-extractor run --local >log.txt || { cat log.txt; exit 1; }
  node -e '
    const { members } = require("./api.json").members[0];
    const of = (kind) => members.find((member) => member.kind === kind);
    const signature = of("Function").excerptTokens[1].text;
    console.log(`${of("Interface").name} ${of("Interface").canonicalReference}, signature of tell: ${signature}`);
  '
}

with=$(model '["es2022", "dom"]')
without=$(model '["es2022"]')
echo "with the DOM: $with"
echo "without it: $without"
[[ $with == 'Report_2 probe!Report_2:interface, signature of tell: Report' ]]
[[ $without == 'Report probe!Report:interface, signature of tell: Report' ]]

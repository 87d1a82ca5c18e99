#!/bin/sh
# Every page has a built file with its title, and links only to files that exist.
set -eu
cd "$(dirname "$0")"
[ -d dist ] || { echo "run build.sh first" >&2; exit 1; }
for page in pages/*.txt; do
  file=dist/$(basename "$page" .txt).html
  [ -f "$file" ] || { echo "missing: $file" >&2; exit 1; }
  grep -q "<h1>$(head -n 1 "$page")</h1>" "$file" || { echo "no title in $file" >&2; exit 1; }
  sed -n 's/.*href="\([^"#:]*\)".*/\1/p' "$file" | while IFS= read -r link; do
    [ -f "dist/$link" ] || { echo "$file links to $link, which does not exist" >&2; exit 1; }
  done
  echo "ok $file"
done

#!/bin/sh
# Builds dist/ from pages/*.txt: the first line is the title, the rest are paragraphs.
set -eu
cd "$(dirname "$0")"
rm -rf dist
mkdir -p dist
cp assets/style.css dist/
for page in pages/*.txt; do
  name=$(basename "$page" .txt)
  title=$(head -n 1 "$page")
  {
    printf '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>%s</title>' "$title"
    printf '<link rel="stylesheet" href="style.css"></head>\n<body>\n<h1>%s</h1>\n' "$title"
    tail -n +2 "$page" | while IFS= read -r line; do
      [ -z "$line" ] || printf '<p>%s</p>\n' "$line"
    done
    printf '</body>\n</html>\n'
  } > "dist/$name.html"
  echo "built dist/$name.html"
done

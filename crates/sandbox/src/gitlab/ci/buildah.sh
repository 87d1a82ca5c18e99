#!/bin/sh
# A stand-in for buildah, for jobs that the sandbox runs in the local shell.
#
# It packs the build context into one layer, writes a real OCI manifest and config, and keeps them by
# digest. RUN steps are shown and not run: nothing here needs a container. Pushed images live in
# $SANDBOX_REGISTRY:
#   blobs/sha256/<hex>             manifests, configs and layers
#   <repository>/<digest>.json     {"repository","digest","tags","labels","env","cmd","created"}
# where <repository> is the image's name without its registry host.
set -eu

registry=${SANDBOX_REGISTRY:?this stand-in for buildah runs inside jobs of the sandbox only}
images=${SANDBOX_IMAGES:?this stand-in for buildah runs inside jobs of the sandbox only}
mkdir -p "$registry/blobs/sha256" "$images"

die() { echo "Error: $*" >&2; exit 125; }
sha() { sha256sum "$1" | cut -d' ' -f1; }
slot() { printf '%s/%s' "$images" "$(printf '%s' "$1" | tr '/:@' '___')"; }
strip() { n=${1#docker://}; n=${n#localhost/}; printf '%s' "$n"; }

# host/path:tag -> path, tag
split() {
  name=${1#docker://}
  tag=latest
  last=${name##*/}
  case $last in *:*) tag=${last##*:}; name=${name%:*} ;; esac
  first=${name%%/*}
  case $name in */*) case $first in *.*|*:*|localhost) name=${name#*/} ;; esac ;; esac
}

store() { # file -> digest of the blob
  h=$(sha "$1")
  cp "$1" "$registry/blobs/sha256/$h"
  printf 'sha256:%s' "$h"
}

build() {
  file= tags= context= args= labels= iidfile=
  while [ $# -gt 0 ]; do
    case $1 in
      -t|--tag) tags="$tags $2"; shift 2 ;;
      --tag=*) tags="$tags ${1#*=}"; shift ;;
      -f|--file) file=$2; shift 2 ;;
      --file=*) file=${1#*=}; shift ;;
      --build-arg) args="$args$2
"; shift 2 ;;
      --build-arg=*) args="$args${1#*=}
"; shift ;;
      --label) labels="$labels$2
"; shift 2 ;;
      --label=*) labels="$labels${1#*=}
"; shift ;;
      --iidfile) iidfile=$2; shift 2 ;;
      --iidfile=*) iidfile=${1#*=}; shift ;;
      --format|--isolation|--network|--platform|--cache-from|--cache-to|--authfile|--target|--timestamp|--source-date-epoch) shift 2 ;;
      -*) shift ;;
      *) context=$1; shift ;;
    esac
  done
  context=${context:-.}
  [ -d "$context" ] || die "context must be a directory: $context"
  if [ -z "$file" ]; then
    file=$context/Dockerfile
    [ -f "$context/Containerfile" ] && file=$context/Containerfile
  fi
  [ -f "$file" ] || [ ! -f "$context/$file" ] || file=$context/$file
  [ -f "$file" ] || die "no such file: $file"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT

  printf '%s' "$args" > "$work/args"
  printf '%s' "$labels" > "$work/labels"
  # The Dockerfile's instructions that end up in the image's config, as JSON.
  awk -v argsfile="$work/args" -v labelsfile="$work/labels" -v out="$work" '
    function json(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/\t/, "\\t", s); return "\"" s "\"" }
    function put(s,   name, value, result, at) {
      result = ""
      while ((at = match(s, /\$\{?[A-Za-z_][A-Za-z0-9_]*\}?/)) > 0) {
        name = substr(s, RSTART, RLENGTH); gsub(/[${}]/, "", name)
        value = (name in arg) ? arg[name] : ((name in env) ? env[name] : "")
        result = result substr(s, 1, RSTART - 1) value
        s = substr(s, RSTART + RLENGTH)
      }
      return result s
    }
    function unquote(s) { if (s ~ /^".*"$/ || s ~ /^\047.*\047$/) s = substr(s, 2, length(s) - 2); return s }
    # Splits k=v words, with quotes, into keys[] and values[].
    function pairs(s,   i, c, quote, word) {
      count = 0; word = ""; quote = ""; s = s " "
      for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (quote != "") { if (c == quote) quote = ""; else word = word c; continue }
        if (c == "\"" || c == "\047") { quote = c; continue }
        if (c == " " || c == "\t") {
          if (index(word, "=") > 0) {
            count++; keys[count] = substr(word, 1, index(word, "=") - 1)
            values[count] = substr(word, index(word, "=") + 1)
          }
          word = ""; continue
        }
        word = word c
      }
    }
    BEGIN {
      while ((getline line < argsfile) > 0) if (index(line, "=")) given[substr(line, 1, index(line, "=") - 1)] = substr(line, index(line, "=") + 1)
    }
    { sub(/\r$/, "") }
    /^[ \t]*#/ { next }
    { text = text $0 }
    /\\[ \t]*$/ { sub(/\\[ \t]*$/, " ", text); next }
    {
      line = text; text = ""
      sub(/^[ \t]+/, "", line)
      if (line == "") next
      word = toupper(line); sub(/[ \t].*$/, "", word)
      rest = line; sub(/^[^ \t]+[ \t]*/, "", rest)
      step++
      printf "STEP %d: %s %s\n", step, word, rest
      if (word == "ARG") {
        name = rest; value = ""
        if (index(rest, "=")) { name = substr(rest, 1, index(rest, "=") - 1); value = unquote(substr(rest, index(rest, "=") + 1)) }
        arg[name] = (name in given) ? given[name] : put(value)
      } else if (word == "ENV") {
        if (rest !~ /^[A-Za-z_][A-Za-z0-9_.]*=/) { name = rest; sub(/[ \t].*$/, "", name); value = rest; sub(/^[^ \t]+[ \t]+/, "", value); rest = name "=\"" value "\"" }
        pairs(rest)
        for (i = 1; i <= count; i++) { if (!(keys[i] in env)) order[++n] = keys[i]; env[keys[i]] = put(values[i]) }
      } else if (word == "LABEL") {
        pairs(rest)
        for (i = 1; i <= count; i++) { if (!(keys[i] in label)) lorder[++ln] = keys[i]; label[keys[i]] = put(values[i]) }
      } else if (word == "CMD" || word == "ENTRYPOINT") {
        value = (rest ~ /^\[/) ? rest : "[\"/bin/sh\", \"-c\", " json(rest) "]"
        if (word == "CMD") cmd = value; else entry = value
      } else if (word == "EXPOSE") { ports = ports (ports == "" ? "" : ", ") json(rest ~ /\// ? rest : rest "/tcp") ": {}"
      } else if (word == "WORKDIR") workdir = put(rest)
      else if (word == "USER") user = put(rest)
    }
    END {
      while ((getline line < labelsfile) > 0) if (index(line, "=")) {
        key = substr(line, 1, index(line, "=") - 1)
        if (!(key in label)) lorder[++ln] = key
        label[key] = substr(line, index(line, "=") + 1)
      }
      labels = ""; for (i = 1; i <= ln; i++) labels = labels (i > 1 ? ", " : "") json(lorder[i]) ": " json(label[lorder[i]])
      envs = ""; list = ""
      for (i = 1; i <= n; i++) { envs = envs (i > 1 ? ", " : "") json(order[i]) ": " json(env[order[i]]); list = list (i > 1 ? ", " : "") json(order[i] "=" env[order[i]]) }
      full = cmd
      if (entry != "") { full = entry; if (cmd != "") { sub(/[ \t]*\][ \t]*$/, "", full); tail = cmd; sub(/^[ \t]*\[/, "", tail); full = full ", " tail } }
      printf "{%s}", labels > (out "/labels.json")
      printf "{%s}", envs > (out "/env.json")
      printf "%s", (full == "" ? "[]" : full) > (out "/cmd.json")
      printf "{\"Env\": [%s], \"Cmd\": %s, \"Labels\": {%s}, \"ExposedPorts\": {%s}, \"WorkingDir\": %s, \"User\": %s}", list, (full == "" ? "[]" : full), labels, ports, json(workdir), json(user) > (out "/config-part.json")
    }
  ' "$file"

  : > "$work/exclude"
  [ -f "$context/.dockerignore" ] && sed -e '/^#/d;/^!/d;/^$/d' -e 's#^/*#./#' "$context/.dockerignore" > "$work/exclude"
  ( cd "$context" && tar --sort=name --mtime='@0' --owner=0 --group=0 --numeric-owner --exclude=./.git -X "$work/exclude" -cf - . ) > "$work/layer.tar"
  layer=$(store "$work/layer.tar")
  { printf '{"architecture": "amd64", "os": "linux", "config": '; cat "$work/config-part.json"
    printf ', "rootfs": {"type": "layers", "diff_ids": ["%s"]}, "history": [{"created_by": "sandbox buildah"}]}' "$layer"; } > "$work/config.json"
  config=$(store "$work/config.json")
  printf '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "%s", "size": %s}, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "%s", "size": %s}]}' \
    "$config" "$(wc -c < "$work/config.json" | tr -d ' ')" "$layer" "$(wc -c < "$work/layer.tar" | tr -d ' ')" > "$work/manifest.json"
  digest=$(store "$work/manifest.json")
  echo "COMMIT${tags:- <none>}"
  for tag in $tags; do
    slot=$(slot "$(strip "$tag")")
    mkdir -p "$slot"
    cp "$work/labels.json" "$work/env.json" "$work/cmd.json" "$slot/"
    printf '%s' "$digest" > "$slot/digest"
    echo "Successfully tagged $tag"
  done
  [ -z "$iidfile" ] || printf '%s' "$config" > "$iidfile"
  echo "${config#sha256:}"
}

push() {
  digestfile= first= second=
  while [ $# -gt 0 ]; do
    case $1 in
      --digestfile) digestfile=$2; shift 2 ;;
      --digestfile=*) digestfile=${1#*=}; shift ;;
      --creds|--authfile|--cert-dir|--format|--compression-format|--retry|--retry-delay) shift 2 ;;
      -*) shift ;;
      *) if [ -z "$first" ]; then first=$1; else second=$1; fi; shift ;;
    esac
  done
  [ -n "$first" ] || die "an image name must be specified"
  slot=$(slot "$(strip "$first")")
  [ -f "$slot/digest" ] || die "$first: image not known"
  digest=$(cat "$slot/digest")
  split "${second:-$first}"
  folder=$registry/$name
  mkdir -p "$folder"
  # The tag leaves the image that had it.
  for other in "$folder"/sha256:*.json; do
    [ -f "$other" ] || continue
    sed -i -e "/^  \"tags\": /s/\"$tag\", //; /^  \"tags\": /s/, \"$tag\"\]/]/; /^  \"tags\": /s/\[\"$tag\"\]/[]/" "$other"
  done
  target=$folder/$digest.json
  tags="\"$tag\""
  if [ -f "$target" ]; then
    kept=$(sed -n 's/^  "tags": \[\(.*\)\],$/\1/p' "$target")
    [ -z "$kept" ] || tags="$kept, $tags"
    created=$(sed -n 's/^  "created": "\(.*\)"$/\1/p' "$target")
  else
    created=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  fi
  {
    printf '{\n  "repository": "%s",\n  "digest": "%s",\n  "tags": [%s],\n  "labels": ' "$name" "$digest" "$tags"
    cat "$slot/labels.json"; printf ',\n  "env": '; cat "$slot/env.json"; printf ',\n  "cmd": '; cat "$slot/cmd.json"
    printf ',\n  "created": "%s"\n}\n' "$created"
  } > "$target.new"
  mv "$target.new" "$target"
  echo "Getting image source signatures"
  echo "Copying blob ${digest}"
  echo "Writing manifest to image destination"
  [ -z "$digestfile" ] || printf '%s' "$digest" > "$digestfile"
}

inspect() {
  format= image=
  while [ $# -gt 0 ]; do
    case $1 in
      --format|-f) format=$2; shift 2 ;;
      --format=*) format=${1#*=}; shift ;;
      --type|-t) shift 2 ;;
      -*) shift ;;
      *) image=$1; shift ;;
    esac
  done
  slot=$(slot "$(strip "$image")")
  [ -f "$slot/digest" ] || die "$image: image not known"
  digest=$(cat "$slot/digest")
  case $format in
    *FromImageDigest*) echo "$digest" ;;
    *) printf '{"FromImage": "%s", "FromImageDigest": "%s", "Labels": %s}\n' "$image" "$digest" "$(cat "$slot/labels.json")" ;;
  esac
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  build|bud|build-using-dockerfile) build "$@" ;;
  push) push "$@" ;;
  inspect) inspect "$@" ;;
  tag)
    from=$(slot "$(strip "$1")"); shift
    [ -f "$from/digest" ] || die "image not known"
    for name in "$@"; do to=$(slot "$(strip "$name")"); mkdir -p "$to"; cp "$from"/* "$to/"; done ;;
  login) cat > /dev/null 2>&1 < /dev/null; echo "Login Succeeded!" ;;
  logout) echo "Removed login credentials" ;;
  images) for f in "$images"/*/digest; do [ -f "$f" ] && echo "$(basename "$(dirname "$f")") $(cat "$f")"; done ;;
  rmi|rm|prune) : ;;
  version|--version|-v) echo "buildah version 1.38.0 (sandbox stand-in)" ;;
  *) die "the sandbox's stand-in for buildah knows build, push, tag, inspect, login, logout, images and version, not: $command" ;;
esac

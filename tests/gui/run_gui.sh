#!/usr/bin/env bash
# Clicks through the extension in a real Blender window on a private X display, and keeps pictures of it.
#   [BLENDER="blender"] [PYTHON=/path/to/worker/python] tests/gui/run_gui.sh likeness.zip PHOTO OUT [seconds]
# BLENDER may be any command that runs Blender (in a container or chroot OUT must have the same path).
# PYTHON runs the worker; without it a stub stands in, which only knows the interface. Needs Xvfb, xdpyinfo and ImageMagick's `import`.
# steps.py says what is done; whenever it creates OUT/NAME.want the screen is saved as OUT/NAME.png.
set -euo pipefail
[ $# -ge 3 ] || { sed -n 2,6p "$0"; exit 2; }
here=$(dirname "$(realpath "$0")")
mkdir -p "$3/tmp"
OUT=$(realpath "$3")
cp "$1" "$OUT/extension.zip"
cp "$2" "$OUT/photo.${2##*.}"
cp "$here/steps.py" "$here/../scene/stub_worker.py" "$here/../scene/sample.py" "$here/../scene/sample_rig.py" "$OUT/"
printf '#!/bin/sh\nexec python3 -I -u "%s/stub_worker.py" "$@"\n' "$OUT" >"$OUT/stub_python"
chmod +x "$OUT/stub_python"
export LIKENESS_OUT=$OUT LIKENESS_PHOTO="$OUT/photo.${2##*.}" LIKENESS_PYTHON="${PYTHON:-$OUT/stub_python}" LIKENESS_STUB_SECONDS=5
export BLENDER_USER_RESOURCES="$OUT/user" TMPDIR="$OUT/tmp" LIBGL_ALWAYS_SOFTWARE=1 DISPLAY=":${DISPLAY_NUMBER:-93}"
read -ra blender <<<"${BLENDER:-blender}"

timeout 120 "${blender[@]}" --background --command extension install-file -r user_default -e "$OUT/extension.zip"
Xvfb "$DISPLAY" -screen 0 1280x800x24 -nolisten tcp >/dev/null 2>&1 &
server=$!
camera=
trap 'kill $server $camera 2>/dev/null || true' EXIT
for _ in $(seq 20); do xdpyinfo >/dev/null 2>&1 && break; sleep 0.3; done
# Blender's own screenshots are black under a software display.
( while sleep 0.3; do for wanted in "$OUT"/*.want; do
    [ -e "$wanted" ] || continue
    import -window root "${wanted%.want}.png" && rm -f "$wanted"
done; done ) &
camera=$!
timeout "${4:-180}" "${blender[@]}" -p 0 0 1280 800 --enable-event-simulate --python-exit-code 1 --python "$OUT/steps.py"

#!/usr/bin/env bash
# ONNX Runtime for Linux writes an id of the machine and a database of events when it is imported, and the function that
# disables its telemetry comes too late.
#
# Guess:    the telemetry of ONNX Runtime is that of Windows; on Linux, importing the package writes nothing, and
#           `disable_telemetry_events()` before the first session leaves nothing to record.
# Versions: onnxruntime 1.32.0 and 1.22.1, wheels for Linux on x86-64, Python 3.11.
# Seen:     `import onnxruntime` of 1.32.0 writes `deviceid` and `onnxruntime.db` to ~/.cache/Microsoft/DeveloperTools/
#           .onnxruntime, also if `disable_telemetry_events()` follows at once; with ORT_DISABLE_TELEMETRY=1 in the
#           environment it writes nothing. That of 1.22.1 writes nothing.
# Matters:  programs that promise to record nothing set the variable before the first import; a function after it, or a
#           test with an older version, does not show the difference.
#
# Exits with 0 while the results are so, and with 1 if they have changed. It uses a home folder of its own, and no network
# beyond the installation of the packages.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 1.32.0 1.22.1; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "onnxruntime==$version" "numpy<2.4"
done

written() { # VERSION PROGRAM [VARIABLE=VALUE]: the files that a program writes to an empty home folder
  local home="$work/home"
  rm -rf "$home"
  mkdir "$home"
  env -u XDG_CACHE_HOME -u ORT_DISABLE_TELEMETRY HOME="$home" "${@:3}" "$work/$1/bin/python" -c "$2"
  find "$home" -type f -printf '%f\n' | sort | tr '\n' ' '
}

plain=$(written 1.32.0 "import onnxruntime")
disabled=$(written 1.32.0 "import onnxruntime; onnxruntime.disable_telemetry_events()")
variable=$(written 1.32.0 "import onnxruntime" ORT_DISABLE_TELEMETRY=1)
older=$(written 1.22.1 "import onnxruntime")
echo "1.32.0, imported:                          ${plain:-nothing}"
echo "1.32.0, disable_telemetry_events() at once: ${disabled:-nothing}"
echo "1.32.0, ORT_DISABLE_TELEMETRY=1:           ${variable:-nothing}"
echo "1.22.1, imported:                          ${older:-nothing}"
[[ $plain == *deviceid* && $disabled == *deviceid* && -z $variable && -z $older ]]

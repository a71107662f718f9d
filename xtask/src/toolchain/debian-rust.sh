# debian-rust.sh SUITE PREFIX
#
# A rustc with the standard library for wasm32-wasip2, from the packages of Debian's SUITE,
# unpacked under PREFIX: nothing is installed. PREFIX/env, written last, says how cargo uses it.
#
# The packages come from the machine's own mirror and are checked against Debian's keys. That
# rustc wants a newer C library than an older Debian has, so it is started by its own loader.
# The linker is that of the rustup toolchain.
set -euo pipefail
suite=$1
prefix=$2
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
host=$(rustc -vV | sed -n 's/^host: //p')
multiarch=$(uname -m)-linux-gnu

rm -rf "$prefix"
mkdir -p "$prefix"/apt/{lists/partial,cache/archives/partial} "$prefix/deb"
cd "$prefix"

mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
if [ -z "$mirror" ]; then
    mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*debian\/\?\) .*/\2/p' /etc/apt/sources.list | head -1)
fi
if [ -z "$mirror" ]; then
    echo "no Debian mirror in /etc/apt" >&2
    exit 1
fi
echo "deb [signed-by=$keyring] $mirror $suite main" > apt/sources.list
options=(
    -qq
    -o Dir::Etc::sourcelist="$prefix/apt/sources.list"
    -o Dir::Etc::sourceparts=-
    -o Dir::State::lists="$prefix/apt/lists"
    -o Dir::State::status=/dev/null
    -o Dir::Cache="$prefix/apt/cache"
    -o APT::Sandbox::User=root
    -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
)
apt-get "${options[@]}" update

# dependency PACKAGE PATTERN: the name of PACKAGE's dependency that fits PATTERN
dependency() {
    apt-cache "${options[@]}" depends "$1" | sed -n "s/^ *Depends: *\($2\)\$/\1/p" | head -1
}
std=$(dependency libstd-rust-dev 'libstd-rust-[0-9.]*')
llvm=$(dependency "$std" 'libllvm[0-9]*')
# The shared libraries that rustc and LLVM need, by Debian's own dependencies.
libraries=$(
    apt-cache "${options[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts \
        --no-breaks --no-replaces --no-enhances "$llvm" "$std" libgcc-s1 |
        grep -E '^(lib|zlib)' | grep -vE '^(libstd-rust|libc-dev|libcrypt1?-dev)|:' | sort -u
)
cd deb
# shellcheck disable=SC2086 # a list of words
apt-get "${options[@]}" download rustc libstd-rust-dev "$std" libstd-rust-dev-wasm32 $libraries
cd ..
for package in deb/*.deb; do
    case $(basename "$package") in
        rustc_* | libstd-rust-*) dpkg -x "$package" compiler ;;
        *) dpkg -x "$package" runtime ;;
    esac
done
rm -rf deb apt compiler/usr/lib/rustlib/wasm32-unknown-unknown compiler/usr/lib/rustlib/wasm32-wasip1

libraries=$prefix/runtime/usr/lib/$multiarch:$prefix/runtime/lib/$multiarch:$prefix/compiler/usr/lib/$multiarch
loader=$(find "$prefix/runtime" -name 'ld-linux-*.so.*' -type f | head -1)
cat > rustc <<WRAPPER
#!/bin/sh
exec '$loader' --library-path '$libraries' '$prefix/compiler/usr/bin/rustc' --sysroot '$prefix/compiler/usr' "\$@"
WRAPPER
chmod +x rustc
./rustc -V

linkers=$(rustc --print sysroot)/lib/rustlib/$host/bin
cat > env <<ENV
export RUSTC='$prefix/rustc'
export CARGO_TARGET_WASM32_WASIP2_LINKER='$linkers/wasm-component-ld'
export CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS='-Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld'
ENV

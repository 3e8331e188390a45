#!/usr/bin/env bash
# Adds the target wasm32-wasip2 to the Rust toolchain in use, on Debian without access to rustup's server. It
# builds the standard library from Debian's rust-src package of the same compiler version, and adds the C
# runtime from Debian's wasi-libc. It writes only into the toolchain's own folder. `cargo xtask target` tries
# rustup first and then calls this script.
set -euo pipefail
target=wasm32-wasip2
# This suite has rustc's packages of newer versions than the last Debian release.
suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

version=$(rustc --version | awk '{print $2}')
sysroot=$(rustc --print sysroot)
libdir=$(rustc --print target-libdir --target "$target")
if [[ ! -w $sysroot ]]; then
  echo "$sysroot is not writable by this user" >&2
  exit 1
fi

# Use the mirror that this machine is configured for; only the suite differs. Both formats of apt's sources
# are read.
mirror=$(
  {
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' \
      /etc/apt/sources.list /etc/apt/sources.list.d/*.list
  } 2>/dev/null | grep -v -e '-security/\?$' | head -n 1
) || true
if [[ -z $mirror ]]; then
  echo "apt has no mirror to take rust-src from" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# apt downloads as another user, who must be able to enter the folder.
chmod 755 "$work"
mkdir -p "$work"/{lists/partial,cache/archives/partial,std/src}

# Use a separate apt configuration: the machine's lists, cache and packages are not changed.
printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
  "$mirror" "$suite" "$keyring" >"$work/suite.sources"
apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/suite.sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
"${apt[@]}" update
(cd "$work" && "${apt[@]}" download "rust-src=$version*" wasi-libc)
for package in "$work"/*.deb; do dpkg -x "$package" "$work/unpacked"; done

# cargo finds the sources at the place of rustup's component rust-src.
mkdir -p "$sysroot/lib/rustlib/src/rust"
cp -a "$work/unpacked/usr/src/rustc-$version/library" "$sysroot/lib/rustlib/src/rust/"

# An empty crate pulls std in. RUSTC_BOOTSTRAP lets a stable cargo build it. Chaincodes are linked with LTO,
# so the libraries need bitcode, like rustup's.
printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' \
  >"$work/std/Cargo.toml"
: >"$work/std/src/lib.rs"
(cd "$work/std" && RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes" cargo build -q --release \
  -Zbuild-std=std,panic_abort --target "$target" --target-dir "$work/target")

mkdir -p "$libdir/self-contained"
cp "$work/unpacked/usr/lib/$target/"* "$libdir/self-contained/"
# libstd comes last: its presence means that the target is complete.
for rlib in "$work/target/$target/release/deps/"lib*.rlib; do
  case $(basename "$rlib") in libseed-* | libstd-*) ;; *) cp "$rlib" "$libdir/" ;; esac
done
cp "$work/target/$target/release/deps/"libstd-*.rlib "$libdir/"

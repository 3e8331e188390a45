//! The programs that a Fabric peer calls as its external builder: scripts that start this program.
//!
//! Invariant: a script also finds the program after a move, of the program into PATH or of both
//! together.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, anyhow};

/// Returns the script of a step in the folder `bin`. Both paths are absolute and without links.
pub(crate) fn script(step: &str, bin: &Path, program: &Path) -> Result<String> {
    let quoted = |path: &Path| {
        let path = path.to_str().ok_or_else(|| anyhow!("{} is not UTF-8", path.display()))?;
        Ok::<_, anyhow::Error>(format!("'{}'", path.replace('\'', r"'\''")))
    };
    let (was, beside) = (quoted(program)?, quoted(&relative(bin, program))?);
    Ok(format!(
        r#"#!/bin/sh
# Written by `wasmcc builder install`.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit
was={was}
for program in "$here"/{beside} "$was" "$(command -v wasmcc)"; do
    if [ -f "$program" ] && [ -x "$program" ]; then
        exec "$program" builder {step} "$@"
    fi
done
again='install it there, or run wasmcc builder install again'
printf '%s\n' "error: wasmcc is neither at $was nor in PATH: $again" >&2
exit 127
"#
    ))
}

/// Returns the relative path from a folder to a file.
pub(crate) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<_>) =
        (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from.iter().skip(same).map(|_| Component::ParentDir);
    up.chain(to.iter().skip(same).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_program_goes_up_and_down() {
        for (from, to, way) in [
            ("/opt/b/bin", "/opt/b/wasmcc", "../wasmcc"),
            ("/opt/b/bin", "/opt/b/bin/wasmcc", "wasmcc"),
            ("/opt/b/bin", "/usr/bin/wasmcc", "../../../usr/bin/wasmcc"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way));
        }
        let text = script("run", Path::new("/b/bin"), Path::new("/it's/wasmcc")).unwrap();
        assert!(text.contains(r"was='/it'\''s/wasmcc'"), "{text}");
        assert!(text.contains(r"/'../../it'\''s/wasmcc'"), "{text}");
    }
}

//! Stops a tool early, so that it removes its own temporary files.

use std::sync::Arc;

use crate::error::LedgerError;

/// True once a tool has to stop; by default never.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Interrupt {
    pub(crate) fn new(is_raised: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_raised)))
    }

    /// Fails if the tool has to stop.
    ///
    /// Errors: `Interrupted`.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        match self.0.as_ref().is_some_and(|is_raised| is_raised()) {
            true => Err(LedgerError::Interrupted),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::LedgerFolder;
    use crate::tools::folder_tests::{channel, closed, folder, verify};

    /// A folder whose tools are interrupted at check `number`, from 0 on.
    fn ending(dir: &Path, number: usize) -> LedgerFolder {
        let asked = AtomicUsize::new(0);
        folder(dir).interruptible(move || asked.fetch_add(1, Ordering::Relaxed) >= number)
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_interrupted_tool_leaves_nothing_behind() {
        let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        closed(dir.path());
        let file = out.path().join("blocks");
        let before = names(dir.path());
        let is_interrupted = |error| matches!(error, LedgerError::Interrupted);
        for number in 0..4 {
            let ending = || ending(dir.path(), number);
            assert!(is_interrupted(ending().rebuild(&mut |_, _| {}).unwrap_err()));
            assert!(is_interrupted(ending().export(&channel(), &file, &mut |_| {}).unwrap_err()));
            assert!(is_interrupted(
                ending().inspect_tx(&channel(), "lost", &mut |_| {}).unwrap_err()
            ));
            assert!(names(out.path()).is_empty());
        }
        assert_eq!(names(dir.path()), before);
        let rows = verify(dir.path()).rows;
        let asked = (0..).find(|number| {
            let found = ending(dir.path(), *number).verify(&channel(), &mut |_| {});
            found.map_err(|error| assert!(is_interrupted(error))).is_ok()
        });
        assert!(asked.unwrap() as u64 >= 4 + rows, "after each block, and for each row");

        folder(dir.path()).export(&channel(), &file, &mut |_| {}).unwrap();
        let other = tempfile::tempdir().unwrap();
        LedgerFolder::make(other.path()).unwrap();
        drop(folder(other.path()));
        let before = names(other.path());
        for number in 0..4 {
            let error = ending(other.path(), number).import(&file, &mut |_| {}).unwrap_err();
            assert!(is_interrupted(error));
            assert_eq!(names(other.path()), before);
        }
        assert_eq!(folder(other.path()).import(&file, &mut |_| {}).unwrap().blocks, 4);
    }
}

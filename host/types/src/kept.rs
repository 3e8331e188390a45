//! Counts the bytes that the peer keeps for one transaction until it ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::share::{Place, Share, ShareFull, Shares};

/// Bytes of each transaction that are not counted.
const FREE: usize = 256 << 10;
/// Number of bytes that are reserved at a time.
const STEP: usize = 64 << 10;

/// A transaction's reservation in the memory of all transactions. Dropping this releases it.
#[derive(Debug)]
pub(crate) struct Kept {
    of: Arc<Shares>,
    share: Share,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    place: Option<Place>,
}

impl Kept {
    pub(crate) fn new(of: &Arc<Shares>, share: Share) -> Self {
        Self { of: Arc::clone(of), share, taken: Mutex::default() }
    }

    /// Adds this many bytes.
    ///
    /// # Errors
    /// The memory of all transactions is used up, or the share of this client, its organization,
    /// chaincode or channel.
    pub(crate) fn add(&self, bytes: usize) -> Result<(), ShareFull> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Taken { bytes: all, place } = &mut *taken;
        *all = all.saturating_add(bytes);
        let wanted = all.saturating_sub(FREE).checked_next_multiple_of(STEP).unwrap_or(usize::MAX);
        let more = wanted - place.as_ref().map_or(0, Place::count);
        match place {
            _ if more == 0 => Ok(()),
            Some(place) => place.grow(more),
            none => self.of.take(&self.share, more).map(|place| *none = Some(place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_free_part_is_shared() {
        let all = Shares::new("bytes", 4 * STEP);
        let share = |client: &str| Share::new("ch", client, client.as_bytes());
        let one = Kept::new(&all, share("one"));
        one.add(FREE).unwrap();
        assert_eq!(all.taken(), 0);
        (0..STEP).for_each(|_| one.add(1).unwrap());
        assert_eq!(all.taken(), STEP);
        one.add(STEP).unwrap();
        let refused = one.add(1).unwrap_err().to_string();
        assert!(refused.contains("the client has 131072 bytes"), "{refused}");
        Kept::new(&all, share("two")).add(FREE + 1).unwrap();
        assert!(Kept::new(&all, share("two")).add(usize::MAX).is_err());
        assert_eq!(all.taken(), 2 * STEP);
        drop(one);
        assert_eq!(all.taken(), 0);
    }
}

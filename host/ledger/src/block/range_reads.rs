//! The record of the rows that a range query returned: the rows themselves if there are few, else
//! the hashes of a Merkle tree over them. Fabric: `rwsetutil/query_results_helper.go`.
//!
//! Invariant: holds at most `max_degree + 1` rows, and as many hashes of each level, however long
//! the range is.

use prost::Message;

use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::kvrwset::{KvRead, QueryReads, QueryReadsMerkleSummary};
use wasmcc_types::{sha256, sha256_all};

/// The degree that Fabric's simulator uses (`maxDegreeQueryReadsHashing`).
pub(crate) const MAX_DEGREE: u32 = 50;

type NodeHash = [u8; 32];

/// Collects the rows of one range query.
pub(crate) struct RangeReads {
    max_degree: u32,
    /// Rows that no hash covers yet.
    pending: Vec<KvRead>,
    /// Hashes that no hash of a higher level covers yet. The first list is level 1, over rows; the
    /// last is the highest level so far and is never empty.
    levels: Vec<Vec<NodeHash>>,
}

impl RangeReads {
    /// Makes a collector for a tree of this degree, at least 1.
    pub(crate) fn new(max_degree: u32) -> Self {
        Self { max_degree: max_degree.max(1), pending: Vec::new(), levels: Vec::new() }
    }

    /// Adds the next row.
    pub(crate) fn add(&mut self, read: KvRead) {
        self.pending.push(read);
        if self.is_full(self.pending.len()) {
            self.hash_pending();
            self.fold_full_levels();
        }
    }

    /// Returns the record; None if there were no rows.
    pub(crate) fn finish(mut self) -> Option<ReadsInfo> {
        if self.levels.is_empty() {
            let kv_reads = self.pending;
            return (!kv_reads.is_empty()).then_some(ReadsInfo::RawReads(QueryReads { kv_reads }));
        }
        if !self.pending.is_empty() {
            self.hash_pending();
            self.fold_full_levels();
        }
        // Lift the hashes left on lower levels to the highest level. A single hash is lifted
        // unchanged.
        for level in 0..self.levels.len() - 1 {
            let hashes = std::mem::take(&mut self.levels[level]);
            match hashes.as_slice() {
                [] => {}
                [hash] => self.levels[level + 1].push(*hash),
                hashes => self.levels[level + 1].push(combine(hashes)),
            }
        }
        let mut top = self.levels.pop().unwrap_or_default();
        let mut max_level = self.levels.len() as u32 + 1;
        if self.is_full(top.len()) {
            top = vec![combine(&top)];
            max_level += 1;
        }
        Some(ReadsInfo::ReadsMerkleHashes(QueryReadsMerkleSummary {
            max_degree: self.max_degree,
            max_level,
            max_level_hashes: top.iter().map(|hash| hash.to_vec()).collect(),
        }))
    }

    fn is_full(&self, length: usize) -> bool {
        length > self.max_degree as usize
    }

    fn hash_pending(&mut self) {
        let reads = QueryReads { kv_reads: std::mem::take(&mut self.pending) };
        let hash = sha256(&reads.encode_to_vec());
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.levels[0].push(hash);
    }

    fn fold_full_levels(&mut self) {
        let mut level = 0;
        while self.levels.get(level).is_some_and(|hashes| self.is_full(hashes.len())) {
            let hash = combine(&std::mem::take(&mut self.levels[level]));
            level += 1;
            match self.levels.get_mut(level) {
                Some(hashes) => hashes.push(hash),
                None => self.levels.push(vec![hash]),
            }
        }
    }
}

fn combine(hashes: &[NodeHash]) -> NodeHash {
    sha256_all(hashes.iter().map(NodeHash::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(max_degree: u32, rows: usize) -> Option<(u32, usize)> {
        let mut reads = RangeReads::new(max_degree);
        for row in 0..rows {
            reads.add(KvRead { key: format!("{row:06}"), version: None });
        }
        match reads.finish()? {
            ReadsInfo::RawReads(reads) => Some((0, reads.kv_reads.len())),
            ReadsInfo::ReadsMerkleHashes(summary) => {
                Some((summary.max_level, summary.max_level_hashes.len()))
            }
        }
    }

    #[test]
    fn rows_are_raw_up_to_the_degree() {
        assert_eq!(summary(50, 0), None);
        assert_eq!(summary(50, 1), Some((0, 1)));
        assert_eq!(summary(50, 50), Some((0, 50)));
        assert_eq!(summary(50, 51), Some((1, 1)));
        assert_eq!(summary(50, 52), Some((1, 2)));
    }

    #[test]
    fn levels_fold_when_full() {
        assert_eq!(summary(50, 120), Some((1, 3)));
        assert_eq!(summary(50, 51 * 50), Some((1, 50)));
        assert_eq!(summary(50, 51 * 51), Some((2, 1)));
        assert_eq!(summary(50, 2700), Some((2, 2)));
        // 3 rows a hash, 3 hashes a level: 27 rows make one hash of level 3.
        assert_eq!(summary(2, 27), Some((3, 1)));
        assert_eq!(summary(2, 26), Some((3, 1)));
        // 24 hashes of level 1, 8 of level 2, 2 of level 3 with 2 left on level 2: these two move
        // up as one and fill level 3.
        assert_eq!(summary(2, 72), Some((4, 1)));
    }
}

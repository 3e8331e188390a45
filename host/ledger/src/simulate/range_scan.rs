//! The open range queries of a simulation, and their records. Fabric: `resultsItr`,
//! `pvtdataResultsItr`.
//!
//! Invariant: a query of public keys records every row that it reads, even if the chaincode never
//! gets it. A query of private keys records nothing.

use crate::block::range_reads::{MAX_DEGREE, RangeReads};
use crate::error::LedgerError;
use crate::simulate::rows::KeyValue;
use crate::simulate::rwset_builder::kv_read;
use crate::simulate::snapshot::StateRange;
use wasmcc_types::proto::kvrwset::RangeQueryInfo;

/// One range query.
pub(crate) struct RangeScan {
    /// None if the query is closed or at its end.
    rows: Option<StateRange>,
    closed: bool,
    /// The number of rows that it may still return.
    left: usize,
    record: Option<Record>,
}

/// The rows that a query of public keys has read.
struct Record {
    namespace: String,
    end: String,
    info: RangeQueryInfo,
    reads: RangeReads,
    /// The number of rows whose keys were counted.
    kept: u32,
}

impl RangeScan {
    /// Makes a query of public keys from `start` (included) to `end` (excluded).
    pub(crate) fn recorded(
        rows: StateRange,
        left: usize,
        namespace: &str,
        start: &str,
        end: &str,
    ) -> Self {
        let record = Record {
            namespace: namespace.to_owned(),
            end: end.to_owned(),
            info: RangeQueryInfo { start_key: start.to_owned(), ..Default::default() },
            reads: RangeReads::new(MAX_DEGREE),
            kept: 0,
        };
        Self { rows: Some(rows), closed: false, left, record: Some(record) }
    }

    /// Makes a query of private keys; empty without `rows`.
    pub(crate) fn unrecorded(rows: Option<StateRange>, left: usize) -> Self {
        Self { rows, closed: false, left, record: None }
    }

    /// Returns the next row, and the growth of the recorded data in bytes.
    ///
    /// Errors: `UnknownRange` if the query was closed.
    pub(crate) fn next_row(&mut self) -> Result<(Option<KeyValue>, usize), LedgerError> {
        if self.closed {
            return Err(LedgerError::UnknownRange);
        }
        if self.left == 0 {
            return Ok((None, 0));
        }
        let Some(rows) = self.rows.as_mut() else { return Ok((None, 0)) };
        let Some((key, value)) = rows.next().transpose()? else {
            if let Some(record) = &mut self.record {
                record.end();
            }
            self.rows = None;
            return Ok((None, 0));
        };
        self.left -= 1;
        let mut kept = 0;
        if let Some(record) = &mut self.record {
            record.reads.add(kv_read(key.clone(), Some(value.version)));
            kept = record.keep(&key);
        }
        Ok((Some(KeyValue { key, value: value.value }), kept))
    }

    /// Returns the key of the next row, without recording it.
    pub(crate) fn peek_key(&mut self) -> Result<Option<String>, LedgerError> {
        let next = self.rows.as_mut().and_then(Iterator::next).transpose()?;
        Ok(next.map(|(key, _)| key))
    }

    /// Closes the query. The rows read stay recorded.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.rows = None;
    }

    /// Returns namespace and record of a query of public keys.
    pub(crate) fn finish(self) -> Option<(String, RangeQueryInfo)> {
        let mut record = self.record?;
        record.info.reads_info = record.reads.finish();
        Some((record.namespace, record.info))
    }
}

impl Record {
    /// Records that the end of the range was reached. Fabric: `resultsItr.updateRangeQueryInfo`.
    fn end(&mut self) {
        self.info.itr_exhausted = true;
        self.info.end_key.clone_from(&self.end);
    }

    /// Records a row. Until the end of the range is reached, the recorded range ends with the last
    /// row read. Returns the growth of the recorded data in bytes: if there are many rows, only
    /// hashes are kept.
    fn keep(&mut self, key: &str) -> usize {
        key.clone_into(&mut self.info.end_key);
        if self.kept > MAX_DEGREE {
            return 0;
        }
        self.kept += 1;
        key.len()
    }
}

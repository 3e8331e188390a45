//! The open queries of one chaincode call, handed out in batches as Fabric's peer does
//! (`core/chaincode/query_response_generator.go`): one row is read ahead before a full batch goes
//! out, and what is read ahead counts as read.

use std::collections::HashMap;

use crate::chaincode::local_backend::{QueryLimits, Refusal};
use crate::ledger::{self, HistoryIterator, LedgerError, RangeId, Simulator};
use crate::runtime::{ErrorKind, KeyModification, KeyValue, QueryBatch};

/// A query and the row that was read ahead of its next batch.
pub struct Query<Source, Row> {
    pub source: Source,
    ahead: Option<Row>,
}

type Range = Query<RangeId, KeyValue>;
type History = Query<HistoryIterator, KeyModification>;

/// Open queries by id.
pub struct Queries {
    limits: QueryLimits,
    ranges: HashMap<String, Range>,
    histories: HashMap<String, History>,
    opened: u64,
}

impl<Source, Row> Query<Source, Row> {
    /// A query of which nothing was read.
    pub fn new(source: Source) -> Self {
        Self { source, ahead: None }
    }

    /// The next batch of at most `rows`, and whether there are more.
    fn batch(
        &mut self,
        rows: usize,
        mut next: impl FnMut(&mut Source) -> Result<Option<Row>, LedgerError>,
    ) -> Result<(Vec<Row>, bool), LedgerError> {
        let mut batch = Vec::from_iter(self.ahead.take());
        while let Some(row) = next(&mut self.source)? {
            if batch.len() == rows {
                self.ahead = Some(row);
                return Ok((batch, true));
            }
            batch.push(row);
        }
        Ok((batch, false))
    }
}

impl Queries {
    /// None open.
    pub fn new(limits: QueryLimits) -> Self {
        Self { limits, ranges: HashMap::new(), histories: HashMap::new(), opened: 0 }
    }

    /// The id of a query that is about to be opened, if there may be one more.
    pub fn reserve(&mut self) -> Result<String, Refusal> {
        if self.ranges.len() + self.histories.len() >= self.limits.open {
            let text = format!("more than {} open queries", self.limits.open);
            return Err(Refusal(ErrorKind::LimitExceeded, text));
        }
        self.opened += 1;
        Ok(self.opened.to_string())
    }

    /// Takes an open range out.
    pub fn take_range(&mut self, id: &str) -> Option<Range> {
        self.ranges.remove(id)
    }

    /// Takes an open history out.
    pub fn take_history(&mut self, id: &str) -> Option<History> {
        self.histories.remove(id)
    }

    /// The next batch of a range, which stays open if there is more.
    pub fn states(
        &mut self,
        sim: &mut Simulator,
        id: String,
        mut query: Range,
    ) -> Result<QueryBatch<KeyValue>, Refusal> {
        let next = |range: &mut RangeId| Ok(sim.next_row(*range)?.map(row));
        let (rows, has_more) = query.batch(self.limits.batch_rows, next)?;
        if has_more {
            self.ranges.insert(id.clone(), query);
        }
        Ok(QueryBatch { rows, has_more, id, bookmark: None })
    }

    /// The next batch of a history, which stays open if there is more.
    pub fn changes(
        &mut self,
        id: String,
        mut query: History,
    ) -> Result<QueryBatch<KeyModification>, Refusal> {
        let next = |changes: &mut HistoryIterator| Ok(changes.next().transpose()?.map(change));
        let (rows, has_more) = query.batch(self.limits.batch_rows, next)?;
        if has_more {
            self.histories.insert(id.clone(), query);
        }
        Ok(QueryBatch { rows, has_more, id, bookmark: None })
    }
}

/// A row of the ledger as the port has it.
pub fn row(row: ledger::KeyValue) -> KeyValue {
    KeyValue { key: row.key, value: row.value }
}

fn change(change: ledger::KeyModification) -> KeyModification {
    KeyModification {
        tx_id: change.tx_id,
        value: change.value,
        timestamp: change.timestamp.unwrap_or_default(),
        is_delete: change.is_delete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_is_sent_when_one_more_row_was_read() {
        for (rows, batches) in
            [(0, vec![0]), (100, vec![100]), (101, vec![100, 1]), (250, vec![100, 100, 50])]
        {
            let mut query: Query<_, u32> = Query::new(0..rows);
            let mut sizes = Vec::new();
            loop {
                let (batch, has_more) = query.batch(100, |rows| Ok(rows.next())).unwrap();
                let read = rows - query.source.len() as u32;
                sizes.push(batch.len());
                if !has_more {
                    break;
                }
                assert_eq!(read as usize, sizes.iter().sum::<usize>() + 1, "one row ahead");
            }
            assert_eq!(sizes, batches);
        }
    }
}

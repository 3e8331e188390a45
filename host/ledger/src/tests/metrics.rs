//! The metrics of a channel. They belong to the process, so each test has channels of its own.

use crate::test_support::{genesis_of, small_config};
use crate::{LedgerConfig, Ledgers};

/// The lines of a channel.
fn series(channel: &str) -> Vec<String> {
    let of = format!("channel=\"{channel}\"");
    wasmcc_metrics::text().lines().filter(|line| line.contains(&of)).map(str::to_owned).collect()
}

#[test]
fn the_genesis_block_and_its_transaction_are_counted() {
    let ledgers = Ledgers::temporary(small_config()).unwrap();
    ledgers.create(&genesis_of("counted")).unwrap();
    let series = series("counted");
    for line in [
        "ledger_blockchain_height{channel=\"counted\"} 1",
        "ledger_block_processing_time_count{channel=\"counted\"} 1",
        "ledger_transaction_count{chaincode=\"unknown\",channel=\"counted\",\
         transaction_type=\"CONFIG\",validation_code=\"VALID\"} 1",
    ] {
        assert!(series.iter().any(|it| it == line), "{line}: {series:#?}");
    }
}

#[test]
fn a_copy_of_a_channel_changes_no_metric() {
    let ledgers = Ledgers::temporary(small_config()).unwrap();
    let ledger = ledgers.create(&genesis_of("copied")).unwrap();
    ledger.series().unwrap().height(17);
    let before = series("copied");
    let config = LedgerConfig { is_measured: false, ..small_config() };
    Ledgers::temporary(config).unwrap().create(&genesis_of("copied")).unwrap();
    assert_eq!(series("copied"), before);
}

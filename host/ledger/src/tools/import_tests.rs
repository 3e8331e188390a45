//! Channels that are moved in a file.

use std::path::Path;

use prost::Message;

use crate::test_support::{CHANNEL, golden_blocks, small_config};
use crate::tools::folder_tests::{channel, closed, folder, verify};
use crate::{BlockReader, LedgerError, Ledgers};
use wasmcc_types::proto::common::Block;

/// Blocks that are only displayed are not validated.
#[test]
fn blocks_of_a_file_are_those_of_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let read = |blocks: &[Block]| -> Result<usize, String> {
        let bytes = blocks.iter().flat_map(Message::encode_length_delimited_to_vec);
        std::fs::write(&path, bytes.collect::<Vec<u8>>()).unwrap();
        let mut reader = BlockReader::open(&path).unwrap();
        let mut count = 0;
        while reader.next().map_err(|error| error.to_string())?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    let good = golden_blocks();
    assert_eq!(read(&good), Ok(46));
    let refused = |change: fn(&mut Vec<Block>), text: &str| {
        let mut blocks = good.clone();
        change(&mut blocks);
        let error = read(&blocks).unwrap_err();
        assert!(error.contains(text), "{error}");
    };
    refused(
        |blocks| {
            let entries = &mut blocks[30].data.as_mut().unwrap().data;
            let mut bytes = entries[0].to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            entries[0] = bytes.into();
        },
        "the data of block 30 does not match the data hash in its header",
    );
    refused(|blocks| drop(blocks.remove(20)), "expected block 20, got block 21");
    refused(|blocks| drop(blocks.remove(0)), "expected block 0, got block 1");
    refused(|blocks| blocks.swap(20, 21), "expected block 20, got block 21");
    refused(|blocks| blocks.push(blocks[45].clone()), "expected block 46, got block 45");
    refused(
        |blocks| blocks[45].header.as_mut().unwrap().previous_hash[0] ^= 1,
        "block 45 does not name the hash of block 44 as its predecessor",
    );
    refused(
        |blocks| blocks[45].metadata.as_mut().unwrap().metadata[2].clear(),
        "block 45 in the file is damaged: the numbers of its transactions and verdicts differ",
    );
}

#[test]
fn blocks_are_read_from_files_only() {
    // Like a pipe, it cannot be read twice.
    let error = BlockReader::open(Path::new("/dev/null")).err().unwrap().to_string();
    assert_eq!(error, "/dev/null is not a regular file: blocks are read more than once");
}

/// A file with the golden blocks.
pub(crate) fn golden_file(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("golden.blocks");
    let blocks = golden_blocks();
    let bytes: Vec<u8> =
        blocks.iter().flat_map(|block| block.encode_length_delimited_to_vec()).collect();
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_channel_travels_in_a_file() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    closed(dir.path());
    let file = dir.path().join("file");
    assert_eq!(folder(dir.path()).export(&channel(), &file, &mut |_| {}).unwrap(), 4);
    let again = folder(dir.path()).export(&channel(), &file, &mut |_| {});
    assert!(matches!(again, Err(LedgerError::Io { .. })), "an existing file is kept");
    drop(Ledgers::open(other.path(), small_config()).unwrap());
    let imported = folder(other.path()).import(&file, &mut |_| {}).unwrap();
    assert_eq!((imported.channel.as_str(), imported.blocks), (CHANNEL, 4));
    let found = verify(other.path());
    assert!(found.is_good() && found.state_height == 4, "{:?}", found.faults);
    let twice = folder(other.path()).import(&file, &mut |_| {}).unwrap_err();
    assert!(matches!(twice, LedgerError::ChannelExists { .. }));
    let copy = other.path().join("file");
    folder(other.path()).export(&channel(), &copy, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&copy).unwrap());
}

#[test]
fn blocks_of_a_fabric_peer_are_imported() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledgers::open(dir.path(), small_config()).unwrap());
    let file = golden_file(dir.path());
    let imported = folder(dir.path()).import(&file, &mut |_| {}).unwrap();
    assert_eq!(imported.blocks, 46);
    let golden = golden_blocks();
    let last = crate::commit_hash(golden.last().unwrap()).unwrap();
    assert_eq!(imported.commit_hash, last);
    assert!(verify(dir.path()).is_good());
    let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
    let ledger = ledgers.get(CHANNEL).unwrap();
    for (number, golden) in golden.iter().enumerate() {
        assert_eq!(ledger.block(number as u64).unwrap().as_ref(), Some(golden));
    }
}

#[test]
fn a_damaged_file_is_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledgers::open(dir.path(), small_config()).unwrap());
    let file = golden_file(dir.path());
    let good = std::fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let error = folder(dir.path()).import(&file, &mut |_| {}).unwrap_err();
        assert!(folder(dir.path()).channels().unwrap().is_empty());
        assert!(!dir.path().join("importing").exists());
        error.to_string()
    };
    assert_eq!(refused(&[]), "block 0 in the file is damaged: the file is empty");
    let cut = refused(&good[..good.len() - 1]);
    assert_eq!(cut, "block 45 in the file is damaged: the file ends in the middle of it");
    assert_eq!(refused(&[0xff; 9]), "block 0 in the file is damaged: it has no length");
    let huge = refused(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]);
    assert_eq!(huge, "block 0 in the file is damaged: the file ends in the middle of it");
    let mut flipped = good.clone();
    let at = good.len() - good.len() / 50;
    flipped[at] ^= 1;
    assert!(refused(&flipped).starts_with("block 4"), "{}", refused(&flipped));
    // Without the first block, the chain is broken.
    let first = golden_blocks()[0].encode_length_delimited_to_vec().len();
    assert!(refused(&good[first..]).contains("block"));
}

/// Every changed byte of metadata is detected, except those that only the members' keys could
/// check.
#[test]
fn altered_metadata_is_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledgers::open(dir.path(), small_config()).unwrap());
    let golden: Vec<_> = golden_blocks().into_iter().take(8).collect();
    let file = dir.path().join("altered.blocks");
    let import = |blocks: &[Block]| {
        let bytes = blocks.iter().flat_map(|block| block.encode_length_delimited_to_vec());
        std::fs::write(&file, bytes.collect::<Vec<_>>()).unwrap();
        folder(dir.path()).import(&file, &mut |_| {})
    };
    let last = golden.len() - 1;
    let mut passed = Vec::new();
    for slot in 0..5 {
        let length = golden[last].metadata.as_ref().unwrap().metadata[slot].len();
        let step = (length / 12).max(1);
        for at in (0..length).step_by(step) {
            let mut altered = golden.clone();
            altered[last].metadata.as_mut().unwrap().metadata[slot][at] ^= 1;
            match import(&altered) {
                Ok(_) => {
                    passed.push((slot, at));
                    let channel = dir.path().join("channels").join(CHANNEL);
                    std::fs::remove_dir_all(channel).unwrap();
                }
                Err(error) => assert!(error.to_string().contains("block 7 "), "{error}"),
            }
        }
    }
    // The undetected changes are in the certificate, nonce and numbers of a signature.
    assert!(passed.iter().all(|(slot, _)| *slot == 0), "{passed:?}");
    for change in 0..4 {
        let mut altered = golden.clone();
        let slots = &mut altered[last].metadata.as_mut().unwrap().metadata;
        match change {
            0 => slots.push(b"more".to_vec()),
            1 => slots[2].push(0),
            2 => slots[4].extend([0x12, 0]),
            _ => slots[3] = b"what".to_vec(),
        }
        assert!(import(&altered).is_err(), "{change}");
    }
    import(&golden).unwrap();
}

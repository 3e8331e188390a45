//! Tests of the committer as a whole.

mod codes;
mod commits;
mod configs;
mod definitions;
mod endorsements;
mod every_code;
mod golden;
mod hostile;
mod odd_blocks;
mod old_channels;
mod orderer;
mod orderer_log;
mod reasons;
mod recovery;
mod streams;
mod support;
mod verdicts;
mod vscc;

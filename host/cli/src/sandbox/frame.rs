//! Messages on the pipe: a line of JSON, followed by the bytes that it refers to.
//!
//! The member `blobs` has the lengths of the byte sequences after the line. A JSON value that
//! stands for bytes is the index of its sequence.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use serde_json::{Map, Value};

/// Limit on a line of JSON. The starting program is trusted; this limits the damage of a defect.
const MAX_LINE: u64 = 64 << 20;
/// Limit on the byte sequences of a message together.
const MAX_BLOBS: u64 = 1 << 30;

/// The byte sequences of a message.
#[derive(Debug, Default)]
pub(super) struct Blobs(Vec<Vec<u8>>);

impl Blobs {
    /// Adds a byte sequence and returns its index.
    pub(super) fn add(&mut self, bytes: &[u8]) -> usize {
        self.0.push(bytes.to_vec());
        self.0.len() - 1
    }

    /// Takes the byte sequence with an index; empty if there is none.
    pub(super) fn take(&mut self, number: usize) -> Vec<u8> {
        self.0.get_mut(number).map(std::mem::take).unwrap_or_default()
    }
}

/// A message.
#[derive(Debug)]
pub(super) struct Frame {
    /// The JSON members.
    pub json: Map<String, Value>,
    /// The byte sequences.
    pub blobs: Blobs,
}

/// Writes a message.
pub(super) fn write(pipe: &mut impl Write, frame: Frame) -> io::Result<()> {
    let Frame { mut json, blobs } = frame;
    let lengths = blobs.0.iter().map(|blob| blob.len().into()).collect();
    json.insert("blobs".into(), Value::Array(lengths));
    let mut bytes = serde_json::to_vec(&json)?;
    bytes.push(b'\n');
    pipe.write_all(&bytes)?;
    blobs.0.iter().try_for_each(|blob| pipe.write_all(blob))?;
    pipe.flush()
}

/// Reads a message; None at the end.
pub(super) fn read(pipe: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let mut line = Vec::new();
    if pipe.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let malformed = |why: &str| io::Error::new(ErrorKind::InvalidData, why.to_owned());
    if line.last() != Some(&b'\n') {
        return Err(malformed("a line is too long or has no end"));
    }
    let json: Map<String, Value> = serde_json::from_slice(&line)?;
    let lengths = json.get("blobs").and_then(Value::as_array).into_iter().flatten();
    let lengths: Option<Vec<u64>> = lengths.map(Value::as_u64).collect();
    let lengths = lengths.ok_or_else(|| malformed("a length is not a number"))?;
    if lengths.iter().try_fold(0, |sum: u64, length| sum.checked_add(*length)) > Some(MAX_BLOBS) {
        return Err(malformed("a message is larger than 1 GiB"));
    }
    let mut blobs = Vec::with_capacity(lengths.len());
    for length in lengths {
        let mut blob = Vec::new();
        if pipe.by_ref().take(length).read_to_end(&mut blob)? as u64 != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        blobs.push(blob);
    }
    Ok(Some(Frame { json, blobs: Blobs(blobs) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut blobs = Blobs::default();
        let numbers = [blobs.add(b"one\ntwo"), blobs.add(b"")];
        let json = Map::from_iter([("bytes".to_owned(), numbers.to_vec().into())]);
        let mut pipe = Vec::new();
        write(&mut pipe, Frame { json, blobs }).unwrap();
        write(&mut pipe, Frame { json: Map::new(), blobs: Blobs::default() }).unwrap();
        let mut pipe = pipe.as_slice();
        let mut frame = read(&mut pipe).unwrap().unwrap();
        assert_eq!(frame.blobs.take(0), b"one\ntwo");
        assert_eq!(frame.blobs.take(1), b"");
        assert_eq!(frame.blobs.take(2), b"");
        assert!(read(&mut pipe).unwrap().is_some());
        assert!(read(&mut pipe).unwrap().is_none());
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let too_large = format!("{{\"blobs\":[{}]}}\n", u64::MAX);
        for bytes in
            ["x\n", "[]\n", "{\"blobs\":[\"x\"]}\n", "{\"blobs\":[5]}\nabc", "{}", &too_large]
        {
            assert!(read(&mut bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}

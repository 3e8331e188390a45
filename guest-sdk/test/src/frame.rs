//! Messages over the pipe: a line of JSON, followed by bytes that the JSON refers to.
//!
//! The line's member `blobs` has the lengths of the pieces that follow it. Where a value consists
//! of bytes, the JSON has the number of its piece.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use serde_json::{Map, Value};

/// The bytes that follow a line of JSON.
#[derive(Debug, Default)]
pub(crate) struct Blobs(Vec<Vec<u8>>);

impl Blobs {
    /// Adds a piece and returns its number.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> usize {
        self.0.push(bytes.to_vec());
        self.0.len() - 1
    }

    /// Returns the piece with this number.
    pub(crate) fn get(&self, number: &Value) -> Option<Vec<u8>> {
        self.0.get(usize::try_from(number.as_u64()?).ok()?).cloned()
    }
}

/// A message.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its members.
    pub json: Map<String, Value>,
    /// Its bytes.
    pub blobs: Blobs,
}

/// Writes a message.
pub(crate) fn write(pipe: &mut impl Write, frame: Frame) -> io::Result<()> {
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
pub(crate) fn read(pipe: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let mut line = Vec::new();
    if pipe.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let malformed = || io::Error::new(ErrorKind::InvalidData, "it is no message");
    let json: Map<String, Value> = serde_json::from_slice(&line).map_err(|_| malformed())?;
    let mut blobs = Vec::new();
    for length in json.get("blobs").and_then(Value::as_array).into_iter().flatten() {
        let length = length.as_u64().ok_or_else(malformed)?;
        let mut blob = Vec::new();
        if pipe.by_ref().take(length).read_to_end(&mut blob)? as u64 != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        blobs.push(blob);
    }
    Ok(Some(Frame { json, blobs: Blobs(blobs) }))
}

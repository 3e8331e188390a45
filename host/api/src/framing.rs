//! Finds gRPC messages in the bytes of a body. Each has a prefix: a flag for compression, and its
//! length.
//!
//! Does not keep the bytes.

/// Size of the prefix of a message.
pub(super) const PREFIX_BYTES: usize = 5;

/// Finds the messages in the bytes of a body.
#[derive(Debug, Default)]
pub(super) struct Messages {
    prefix: [u8; PREFIX_BYTES],
    /// Number of bytes of the prefix that were received.
    prefix_bytes: usize,
    /// Length of the current message.
    length: usize,
    left: usize,
}

impl Messages {
    /// Processes the next bytes. Returns the number of messages that they complete.
    pub(super) fn see(&mut self, mut data: &[u8]) -> u64 {
        let mut completed = 0;
        while !data.is_empty() {
            if self.left > 0 {
                let here = self.left.min(data.len());
                self.left -= here;
                data = &data[here..];
                completed += u64::from(self.left == 0);
                continue;
            }
            let (next, rest) = data.split_at((PREFIX_BYTES - self.prefix_bytes).min(data.len()));
            self.prefix[self.prefix_bytes..][..next.len()].copy_from_slice(next);
            self.prefix_bytes += next.len();
            data = rest;
            if self.prefix_bytes == PREFIX_BYTES {
                let [_, length @ ..] = self.prefix;
                self.length = u32::from_be_bytes(length) as usize;
                (self.left, self.prefix_bytes) = (self.length, 0);
                completed += u64::from(self.length == 0);
            }
        }
        completed
    }

    /// Returns the length of the current message, or 0 if it is complete.
    pub(super) fn announced(&self) -> usize {
        if self.left > 0 { self.length } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Vec<u8> {
        let mut message = vec![0];
        message.extend((bytes as u32).to_be_bytes());
        message.resize(PREFIX_BYTES + bytes, 7);
        message
    }

    #[test]
    fn messages_are_followed_however_they_are_cut() {
        let wire: Vec<u8> = [message(3), message(0), message(300)].concat();
        for size in 1..=wire.len() {
            let mut messages = Messages::default();
            let (mut seen, mut completed) = (0, 0);
            for chunk in wire.chunks(size) {
                completed += messages.see(chunk);
                seen += chunk.len();
                let (announced, whole) = match seen {
                    ..5 => (0, 0),
                    5..8 => (3, 0),
                    8..13 => (0, 1),
                    13..18 => (0, 2),
                    18..318 => (300, 2),
                    _ => (0, 3),
                };
                assert_eq!(messages.announced(), announced, "{seen} in parts of {size}");
                assert_eq!(completed, whole, "{seen} in parts of {size}");
            }
        }
    }
}

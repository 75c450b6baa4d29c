//! gzip as a stream of many members, inflated as it arrives.
//!
//! Every portion is flushed, because a line or heartbeat left in the inflater would make a live stream look
//! dead. Its law: no more than one window of output (32 KiB) exists at a time, so a bomb costs time and
//! never memory.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// Inflates gzip portion by portion.
#[derive(Debug)]
pub struct Inflater {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// How much of the output was consumed.
    consumed: usize,
    /// Whether the inflater holds no more output.
    flushed: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        Inflater { decoder: MultiGzDecoder::new(Vec::new()), consumed: 0, flushed: true }
    }
}

impl Inflater {
    /// Runs the inflater once over its fixed window: consumes bytes from the front of `bytes`, or flushes when there are
    /// none. The output must have been consumed.
    ///
    /// # Errors
    /// The data is not gzip, or is damaged. The bytes before the fault are in the output.
    pub fn step(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            self.flushed = true;
            return self.decoder.flush();
        }
        self.flushed = false;
        let taken = self.decoder.write(bytes);
        if taken.is_err() {
            // The decoder may hold output from the bytes before the fault.
            let _ = self.decoder.flush();
        }
        *bytes = &bytes[taken?..];
        Ok(())
    }

    /// Whether all available output was produced.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// The output that is not consumed.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.decoder.get_ref()[self.consumed..]
    }

    /// Forgets the first `count` bytes of the output.
    pub fn consume(&mut self, count: usize) {
        self.consumed += count;
        if self.consumed == self.decoder.get_ref().len() {
            self.decoder.get_mut().clear();
            self.consumed = 0;
        }
    }

    /// Inflates all of `bytes` and passes each piece of output to `on_output`.
    ///
    /// # Errors
    /// The data is not gzip, or is damaged. The bytes before the fault have been passed on.
    pub fn push(&mut self, mut bytes: &[u8], mut on_output: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            let step = self.step(&mut bytes);
            if !self.output().is_empty() {
                on_output(self.output());
                self.consume(self.output().len());
            }
            step?;
            if self.flushed {
                return Ok(());
            }
        }
    }

    /// Ends the data; the last bytes are in the output.
    ///
    /// # Errors
    /// The last member was cut, or its checksum is wrong.
    pub fn finish(&mut self) -> io::Result<()> {
        self.decoder.try_finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    #[test]
    fn a_line_appears_as_soon_as_its_bytes_are_there() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let mut inflater = Inflater::default();
        for line in ["one\n", "two\n"] {
            encoder.write_all(line.as_bytes()).expect("memory");
            encoder.flush().expect("memory");
            let portion = std::mem::take(encoder.get_mut());
            let mut seen = Vec::new();
            for byte in portion {
                inflater.push(&[byte], |bytes| seen.extend_from_slice(bytes)).expect("gzip");
            }
            assert_eq!(seen, line.as_bytes());
        }
    }

    #[test]
    fn members_follow_each_other() {
        let mut bytes = Vec::new();
        for text in ["a", "b"] {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).expect("memory");
            bytes.extend(encoder.finish().expect("memory"));
        }
        let mut seen = Vec::new();
        Inflater::default().push(&bytes, |bytes| seen.extend_from_slice(bytes)).expect("gzip");
        assert_eq!(seen, b"ab");
    }

    #[test]
    fn a_bomb_is_inflated_in_small_pieces() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![b'x'; 1 << 20]).expect("memory");
        }
        let bytes = encoder.finish().expect("memory");
        let (mut largest, mut total) = (0, 0);
        Inflater::default()
            .push(&bytes, |bytes| {
                largest = largest.max(bytes.len());
                total += bytes.len();
            })
            .expect("gzip");
        assert_eq!(total, 64 << 20);
        assert!(largest <= 128 << 10, "{largest}");
    }

    #[test]
    fn the_bytes_before_a_fault_are_passed_on_and_a_cut_is_an_error() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"good\n").expect("memory");
        let whole = encoder.finish().expect("memory");
        let play = |bytes: &[u8]| {
            let (mut seen, mut inflater) = (Vec::new(), Inflater::default());
            let pushed = inflater.push(bytes, |piece| seen.extend_from_slice(piece));
            let finished = inflater.finish();
            seen.extend_from_slice(inflater.output());
            (String::from_utf8_lossy(&seen).into_owned(), pushed.is_ok() && finished.is_ok())
        };
        assert_eq!(play(&whole), ("good\n".to_owned(), true));
        assert_eq!(play(&[whole.as_slice(), &[0xff; 40]].concat()), ("good\n".to_owned(), false));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"good\n").expect("memory");
        encoder.flush().expect("memory");
        let open = encoder.get_ref().clone();
        assert_eq!(play(&[open.as_slice(), &[0xff; 50]].concat()), ("good\n".to_owned(), false), "within a member");
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        assert_eq!(play(&wrong), ("good\n".to_owned(), false));
        for cut in 1..whole.len() {
            assert!(!play(&whole[..cut]).1, "cut at {cut}");
        }
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(Inflater::default().push(b"not gzip at all, sorry", |_| ()).is_err());
    }
}

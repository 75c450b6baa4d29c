//! How far a gzip file can be read, and whether it ends as gzip ends.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Take};

use flate2::bufread::GzDecoder;

use crate::pipeline::decode::split::LINE_CAP;

/// Bytes per read.
pub(super) const BLOCK: usize = 64 << 10;

/// What was read of a gzip file.
#[derive(Default)]
pub(super) struct GzipText {
    /// Bytes of text.
    pub(super) text: u64,
    /// Bytes of whole lines among them.
    pub(super) lines: u64,
    /// The text after the last whole line, or its beginning if it is longer than any line may be.
    pub(super) rest: Vec<u8>,
    /// Where the last complete member ends in the file.
    pub(super) complete: u64,
    /// Whether the file ends as gzip ends.
    pub(super) is_sound: bool,
}

/// Reads what can be read of the first `limit` bytes of a gzip file.
pub(super) fn read_gzip(file: &File, limit: u64) -> io::Result<GzipText> {
    let mut found = GzipText::default();
    let mut block = vec![0; BLOCK];
    let mut reader = reader(file, limit)?;
    let mut member = GzDecoder::new(&mut reader);
    loop {
        match member.read(&mut block) {
            Ok(0) => {
                found.complete = limit - reader.get_ref().limit() - reader.buffer().len() as u64;
                if reader.fill_buf()?.is_empty() {
                    return Ok(GzipText { is_sound: true, ..found });
                }
                member = GzDecoder::new(&mut reader);
            }
            Ok(count) => {
                let mut unended = &block[..count];
                if let Some(at) = unended.iter().rposition(|byte| *byte == b'\n') {
                    found.lines = found.text + at as u64 + 1;
                    found.rest.clear();
                    unended = &unended[at + 1..];
                }
                if found.rest.len() <= LINE_CAP {
                    found.rest.extend_from_slice(unended);
                }
                found.text += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput) => {
                return Ok(found);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads the first `limit` bytes of a file.
pub(super) fn reader(mut file: &File, limit: u64) -> io::Result<BufReader<Take<&File>>> {
    file.seek(SeekFrom::Start(0))?;
    Ok(BufReader::with_capacity(BLOCK, file.take(limit)))
}

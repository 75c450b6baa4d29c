//! The lines of a block, as the passes over an archive see them.

use std::ops::Range;

use memchr::arch::all::memchr::One;

/// The byte order mark, which some editors put in front of a file; it belongs to no line.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Calls `on_line` with the place of each line in the block and with its text, which is without its end. `first`: the
/// block begins the file.
pub fn for_each(block: &[u8], first: bool, mut on_line: impl FnMut(Range<usize>, &[u8])) {
    let newline = One::new(b'\n');
    let mut at = if first && block.starts_with(BOM) { BOM.len() } else { 0 };
    while at < block.len() {
        let end = newline.find(&block[at..]).map_or(block.len(), |end| at + end + 1);
        let line = &block[at..end];
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        on_line(at..end, text.strip_suffix(b"\r").unwrap_or(text));
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_kept_apart_from_the_text() {
        let block = b"\xef\xbb\xbfa\r\n\nb\rc\n\r\nd";
        let mut lines = Vec::new();
        for_each(block, true, |place, text| lines.push((place, text.to_vec())));
        let want: [(Range<usize>, &[u8]); 5] =
            [(3..6, b"a"), (6..7, b""), (7..11, b"b\rc"), (11..13, b""), (13..14, b"d")];
        assert_eq!(lines, want.map(|(place, text)| (place, text.to_vec())));
        let mut count = 0;
        for_each(block, false, |place, _| count += place.len());
        assert_eq!(count, block.len());
        for_each(b"", true, |_, _| unreachable!("no line"));
    }
}

//! The protocol of X: its streams, its rate-limit headers, its error bodies and its ways to end a stream.
//!
//! Every other part of the tool uses these names, so each is defined once, with the document it comes from. For a
//! misspelt name the tool suggests the nearest known one.
//!
//! Law: pure. Nothing here reads a clock, a file or a socket, and no input makes it panic.

pub mod api_types;
pub mod body;
pub mod catalogue;
pub mod compliance;
pub mod disconnect;
pub mod endpoint;
pub mod field;
mod html;
pub mod json_cursor;
pub mod message;
pub mod post_id;
pub mod problem;
pub mod rate_limit;
pub mod request;
pub mod rule;
pub mod scan;
pub mod user_id;
pub mod v1_predicate;
mod vocabulary;

/// How many suggestions an error message carries. More than three is a list, and `--help` has that.
const SUGGESTIONS: usize = 3;

/// Longest name compared, in characters. The distance costs the product of both lengths, and a longer text is not a
/// typing mistake.
const LONGEST_WORD: usize = 64;

/// Shortest word that counts as near because a candidate contains it. Two letters are in everything.
const SHORTEST_PART: usize = 3;

/// Up to three of `among` that `word` may be a misspelling of, nearest first, in the order given where the
/// distance is equal. Letter case does not count.
///
/// A candidate is near when one word contains the other (`tweets` for `tweets-compliance`) or when
/// at most a third of the longer word's characters differ: beyond that a suggestion only confuses.
pub fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    if word.is_empty() || word.len() > LONGEST_WORD {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = among
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().collect();
            if other.is_empty() || other.len() > LONGEST_WORD {
                return None;
            }
            let edits = distance(&word, &other);
            // A third, and never less than one: `v2` still finds `v1`.
            let slip = edits <= (word.len().max(other.len()) / 3).max(1);
            (slip || contains(&other, &word) || contains(&word, &other)).then_some((edits, candidate))
        })
        .collect();
    // A stable sort: the order of the table is the order of importance.
    near.sort_by_key(|(edits, _)| *edits);
    // A code and its name are often one word, written in two ways.
    let letters = |text: &str| text.replace([' ', '-', '_'], "").to_lowercase();
    let mut seen = Vec::new();
    near.retain(|(_, candidate)| {
        let fresh = !seen.contains(&letters(candidate));
        seen.push(letters(candidate));
        fresh
    });
    near.truncate(SUGGESTIONS);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

fn contains(whole: &[char], part: &[char]) -> bool {
    part.len() >= SHORTEST_PART && whole.windows(part.len()).any(|window| window == part)
}

/// Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and
/// swaps of neighbours. Swaps count one because they are the most common typing mistake.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "ab", 2),
            ("sample", "sample", 0),
            ("smaple", "sample", 1),
            ("sampel", "sample", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(&letters(a), &letters(b)), edits, "{a} {b}");
            assert_eq!(distance(&letters(b), &letters(a)), edits, "{b} {a}");
        }
    }

    #[test]
    fn a_misspelt_name_finds_the_name_and_an_unrelated_one_finds_none() {
        let words = ["filtered", "sample", "sample10", "tweets-compliance"];
        assert_eq!(nearest("smaple", words.into_iter())[0], "sample");
        assert_eq!(nearest("FILTERD", words.into_iter()), ["filtered"]);
        assert_eq!(nearest("tweets", words.into_iter()), ["tweets-compliance"]);
        assert!(nearest("zzzzzz", words.into_iter()).is_empty());
        assert!(nearest("", words.into_iter()).is_empty());
        assert!(nearest(&"s".repeat(100_000), words.into_iter()).is_empty());
    }
}

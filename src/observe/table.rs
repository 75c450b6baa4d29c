//! Tables: a function of rows, width and colour. Pure.
//!
//! Its law: no line is wider than the screen, unless a column that must stay whole (an id to copy) is.

use unicode_width::UnicodeWidthStr as _;

use crate::text::{sanitize, truncate};

/// Between two columns.
const BETWEEN: &str = "  ";

/// A column that is cut keeps this many columns of text: a shorter text is of no use.
const NARROWEST: usize = 8;

/// Longest text of a cell, in characters; a rule of X has at most 2048.
const LONGEST_TEXT: usize = 4096;

/// How a cell looks, where colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As other text.
    #[default]
    Plain,
    /// Green.
    Good,
    /// Yellow.
    Warn,
    /// Red.
    Bad,
    /// Less important than the rest.
    Faint,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// On a narrow screen it may be cut down to this width; none: it stays whole.
    pub narrowest: Option<usize>,
    /// Whether its texts end in one line, as numbers do.
    pub right: bool,
    /// Whether it is dropped on a narrow screen, the last of such columns first.
    pub spare: bool,
}

impl Column {
    /// A column that stays whole.
    #[must_use]
    pub const fn whole(title: &'static str) -> Column {
        Column { title, narrowest: None, right: false, spare: false }
    }

    /// A column that may be cut.
    #[must_use]
    pub const fn cut(title: &'static str) -> Column {
        Column::cut_to(title, NARROWEST)
    }

    /// A column that may be cut, but not below a width.
    #[must_use]
    pub const fn cut_to(title: &'static str, width: usize) -> Column {
        Column { title, narrowest: Some(width), right: false, spare: false }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(title: &'static str) -> Column {
        Column { title, narrowest: None, right: true, spare: false }
    }

    /// A column that is shown whole, or dropped on a narrow screen.
    #[must_use]
    pub const fn spare(title: &'static str) -> Column {
        Column { title, narrowest: None, right: false, spare: true }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell with this text, made safe for a terminal.
    #[must_use]
    pub fn new(text: &str, style: Style) -> Cell {
        Cell { text: sanitize(text, LONGEST_TEXT), style }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::new(text, Style::Plain)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::new(&text, Style::Plain)
    }
}

/// The table, with a line of titles; empty without rows. A column without a text in any row is left out.
#[must_use]
pub fn render(columns: &[Column], rows: &[Vec<Cell>], width: usize, color: bool) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let filled = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.text.is_empty()));
    let mut used: Vec<usize> = (0..columns.len()).filter(|at| filled(*at)).collect();
    let mut widths = widths(columns, rows, &used, width);
    while widths.iter().sum::<usize>() + between(&used) > width
        && let Some(at) = used.iter().rposition(|&at| columns[at].spare)
    {
        used.remove(at);
        widths = self::widths(columns, rows, &used, width);
    }
    let mut text = String::new();
    let titles: Vec<Cell> = columns.iter().map(|column| Cell::new(column.title, Style::Faint)).collect();
    for row in std::iter::once(&titles).chain(rows) {
        let mut line = String::new();
        let mut pending = 0;
        for (&at, &wide) in used.iter().zip(&widths) {
            let cell = row.get(at).cloned().unwrap_or_default();
            let shown = truncate(&cell.text, wide);
            let pad = wide.saturating_sub(shown.width());
            let (before, behind) = if columns[at].right { (pad, 0) } else { (0, pad) };
            pending += before;
            // Blanks are written only before a text, so that no line ends in them.
            if !shown.is_empty() {
                line.push_str(&" ".repeat(pending));
                line.push_str(&painted(&shown, cell.style, color));
                pending = 0;
            }
            pending += behind + BETWEEN.len();
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The width of the gaps between the used columns.
fn between(used: &[usize]) -> usize {
    BETWEEN.len() * used.len().saturating_sub(1)
}

/// How wide each used column is: as wide as its texts if that fits, else the widest of those that may be cut is cut.
fn widths(columns: &[Column], rows: &[Vec<Cell>], used: &[usize], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = used
        .iter()
        .map(|&at| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width());
            cells.chain([columns[at].title.width()]).max().unwrap_or(0)
        })
        .collect();
    loop {
        let whole = widths.iter().sum::<usize>() + between(used);
        let narrowest = |at: usize| columns[used[at]].narrowest.unwrap_or(usize::MAX);
        let mut by_width: Vec<usize> = (0..used.len()).filter(|&at| widths[at] > narrowest(at)).collect();
        by_width.sort_by_key(|&at| std::cmp::Reverse(widths[at]));
        let Some(&widest) = by_width.first().filter(|_| whole > width) else { return widths };
        // Down to the next widest, then together.
        let floor = by_width.get(1).map_or(0, |&next| widths[next].saturating_sub(1)).max(narrowest(widest));
        widths[widest] -= (whole - width).min(widths[widest] - floor);
    }
}

/// The text in its style, if there are colours.
#[must_use]
pub fn painted(text: &str, style: Style, color: bool) -> String {
    let code = match style {
        Style::Good => "32",
        Style::Warn => "33",
        Style::Bad => "31",
        Style::Faint => "2",
        Style::Plain => "",
    };
    if color && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [Column; 4] =
        [Column::whole("ID"), Column::number("POSTS"), Column::cut("RULE"), Column::whole("NOTE")];

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec!["17".into(), "1200".into(), "cat has:images -is:retweet".into(), "".into()],
            vec!["9".into(), "3".into(), "猫 \u{1b}[2Jdog".into(), "".into()],
            vec!["8".into(), "".into(), "".into()],
        ]
    }

    #[test]
    fn columns_line_up_and_empty_ones_are_left_out() {
        insta::assert_snapshot!(render(&COLUMNS, &rows(), 80, false), @r"
        ID  POSTS  RULE
        17   1200  cat has:images -is:retweet
        9       3  猫 [2Jdog
        8
        ");
        assert_eq!(render(&COLUMNS, &[], 80, true), "");
    }

    #[test]
    fn a_narrow_screen_cuts_what_may_be_cut() {
        insta::assert_snapshot!(render(&COLUMNS, &rows(), 24, false), @r"
        ID  POSTS  RULE
        17   1200  cat has:imag…
        9       3  猫 [2Jdog
        8
        ");
    }

    #[test]
    fn what_is_spare_is_left_out_from_the_right_where_there_is_no_room() {
        let columns = [Column::spare("OPENED"), Column::spare("STREAM"), Column::cut_to("ID", 9)];
        let rows = vec![vec!["2h ago".into(), "filtered".into(), "123456789".into()]];
        let titles = |width| render(&columns, &rows, width, false).lines().next().map(str::to_owned);
        assert_eq!(titles(27).as_deref(), Some("OPENED  STREAM    ID"));
        assert_eq!(titles(26).as_deref(), Some("OPENED  ID"));
        assert_eq!(titles(16).as_deref(), Some("ID"));
    }

    #[test]
    fn colour_changes_no_width() {
        let rows = vec![vec![Cell::new("a", Style::Good), Cell::new("b", Style::Bad)]];
        let columns = [Column::whole("ONE"), Column::cut("TWO")];
        assert_eq!(
            render(&columns, &rows, 80, true),
            "\u{1b}[2mONE\u{1b}[0m  \u{1b}[2mTWO\u{1b}[0m\n\u{1b}[32ma\u{1b}[0m    \u{1b}[31mb\u{1b}[0m\n"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_screen_and_none_ends_in_a_blank(
            texts in proptest::collection::vec(("\\PC{0,40}", "\\PC{0,40}"), 1..5),
            width in 18_usize..100,
        ) {
            let columns = [Column::cut("ONE"), Column::cut("TWO")];
            let rows: Vec<Vec<Cell>> = texts.into_iter().map(|(a, b)| vec![a.into(), b.into()]).collect();
            for line in render(&columns, &rows, width, false).lines() {
                prop_assert!(line.width() <= width, "{line}");
                prop_assert!(!line.ends_with(' '), "{line}");
            }
        }
    }
}

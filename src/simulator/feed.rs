//! The posts of a stream: generated, flooded or spelled out, past the rules and into the count.
//!
//! The rules decide on generated posts and on lines that are posts. A flood is a measure of speed:
//! it passes unread, and is counted by the block.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWrite;

use super::flood::slot;
use super::play::{Stream, pace, take_one, tick, unix_ms};
use super::rule::post_id;
use super::rules::Verdict;

impl<W: AsyncWrite + Unpin> Stream<'_, W> {
    /// A line of the script. If it is a post, rules and usage see it.
    pub(super) async fn line(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Everything else goes out unread: it may be no JSON at all.
        let post = serde_json::from_slice::<Value>(bytes).ok().filter(|message| post_id(message).is_some());
        let Some(post) = post else { return self.message(bytes).await };
        let mut line = bytes.to_vec();
        if self.admits(&mut line, &post, true) {
            self.message(&line).await?;
            self.play.state.meter.written(post_id(&post).unwrap_or_default());
        } else {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Whether the rules let a post through; if so it names those it fits.
    fn admits(&self, line: &mut Vec<u8>, post: &Value, scripted: bool) -> bool {
        if !self.play.filtered {
            return true;
        }
        match self.play.state.rules.judge(post, scripted) {
            Verdict::Untouched => true,
            Verdict::Dropped => false,
            Verdict::Matches(rules) => {
                name_rules(line, &rules, scripted);
                true
            }
        }
    }

    /// Puts the next post into `line`.
    pub(super) fn next_post(&mut self) {
        self.line.clear();
        self.last_id = self.play.state.next_post(unix_ms(), &mut self.line);
    }

    pub(super) async fn posts(&mut self, count: Option<u64>, every: Duration) -> io::Result<()> {
        let mut pace = pace(every);
        let mut left = count;
        while take_one(&mut left) {
            tick(&mut pace).await;
            self.next_post();
            let mut line = std::mem::take(&mut self.line);
            // Parsed only where rules have to be asked: it costs more than making the post.
            let admitted = !(self.play.filtered && self.play.state.rules.filter())
                || serde_json::from_slice(&line).is_ok_and(|post| self.admits(&mut line, &post, false));
            if admitted {
                self.message(&line).await?;
                self.play.state.meter.made();
            } else {
                // Without a pause a stream that nothing fits would never wait for anything.
                tokio::task::yield_now().await;
            }
            self.line = line;
        }
        Ok(())
    }

    pub(super) async fn flood(&mut self, count: Option<u64>, line_by_line: bool) -> io::Result<()> {
        let (state, connection) = (self.play.state, self.play.connection);
        let block = state.floods.block(line_by_line, self.gzip, unix_ms())?;
        let (slot, meter) = (slot(line_by_line, self.gzip), &state.meter);
        let posts = block.ends.len() as u64;
        self.body.align().await?;
        let mut left = count;
        while left.is_none_or(|left| left >= posts) {
            let (mut from, mut done) = (0, 0);
            for &(to, complete) in &block.stops {
                self.body.splice(&block, from, to).await?;
                state.log.delivered(connection, complete - done);
                meter.flooded(slot, usize::try_from(complete).unwrap_or(usize::MAX));
                (from, done) = (to, complete);
            }
            left = left.map(|left| left - posts);
        }
        let rest = usize::try_from(left.unwrap_or(0)).expect("the rest is smaller than a block");
        let mut from = 0;
        for (n, &end) in block.ends[..rest].iter().enumerate() {
            self.body.send(&block.plain[from..end]).await?;
            state.log.delivered(connection, 1);
            meter.flooded(slot, n + 1);
            from = end;
        }
        Ok(())
    }
}

/// Puts the rules that a post fits into its line, in place of those it names. The rest of the line
/// stays as it was made, escapes and all.
fn name_rules(line: &mut Vec<u8>, rules: &Value, scripted: bool) {
    // A quote inside a string is escaped, so this can only be the member, which generated v2 posts
    // have at their end. A post of the script that comes here has none.
    const MEMBER: &[u8] = b",\"matching_rules\":";
    let end = line.windows(MEMBER.len()).rposition(|part| part == MEMBER).filter(|_| !scripted);
    line.truncate(end.unwrap_or_else(|| line.iter().rposition(|byte| *byte == b'}').unwrap_or(line.len())));
    line.extend_from_slice(MEMBER);
    line.extend_from_slice(rules.to_string().as_bytes());
    line.push(b'}');
}

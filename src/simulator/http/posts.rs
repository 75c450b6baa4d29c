//! The steps that deliver the stream's own messages: the numbered feed, generated posts, floods, scripted lines.
//!
//! The rules decide on posts of the filtered stream, and usage counts posts. A flood measures speed: it passes unread,
//! and is counted by the block.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWrite;

use super::flood::slot;
use super::response::Finish;
use super::stream::{StreamWriter, take_one, tick};
use crate::simulator::api::rule::{PostFacts, post_id};
use crate::simulator::api::rules::MatchResult;
use crate::simulator::api::stream_request::FeedPart;
use crate::simulator::feed::content::Searchable;
use crate::simulator::feed::numbered::FeedItem;

impl<W: AsyncWrite + Unpin> StreamWriter<'_, W> {
    fn is_filtered(&self) -> bool {
        self.request.endpoint.name == "filtered"
    }

    /// A line of the script. If it is a post, rules and usage see it.
    pub(crate) async fn line(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Everything else is sent unread: it may be no JSON at all.
        let post = serde_json::from_slice::<Value>(bytes).ok().filter(|message| post_id(message).is_some());
        let Some(post) = post else { return self.message(bytes).await };
        let mut line = bytes.to_vec();
        // A post that names its rules itself is sent as it is.
        let facts = PostFacts::from_message(&post).filter(|_| post.get("matching_rules").is_none());
        if facts.is_none_or(|facts| self.matches_rules(&mut line, &facts, true)) {
            self.message(&line).await?;
            self.state.meter.written(post_id(&post).unwrap_or_default(), self.state.clock.unix_ms());
        } else {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Whether the rules let a post through; if so its line names those it matches.
    fn matches_rules(&self, line: &mut Vec<u8>, facts: &PostFacts, scripted: bool) -> bool {
        if !self.is_filtered() {
            return true;
        }
        match self.state.rules.evaluate(facts) {
            MatchResult::Untouched => true,
            MatchResult::Dropped => false,
            MatchResult::Matches(rules) => {
                name_rules(line, &rules, scripted);
                true
            }
        }
    }

    /// Puts the next generated message into `line`.
    pub(crate) fn generate(&mut self) -> Option<Searchable> {
        loop {
            let item = self.state.generated.next(self.state.clock.unix_ms());
            let searchable = self.write(&item);
            if self.has_language(searchable.as_ref()) {
                return searchable;
            }
        }
    }

    /// Whether a message has the language of the stream, if the stream has one.
    fn has_language(&self, searchable: Option<&Searchable>) -> bool {
        self.request.lang.is_none_or(|lang| searchable.is_none_or(|post| post.lang == lang))
    }

    /// Puts a message into `line`; returns what the rules of v2 posts are evaluated against.
    fn write(&mut self, item: &FeedItem) -> Option<Searchable> {
        self.line.clear();
        self.last_id = item.id;
        self.request.content.write(item, &self.request.selection, self.is_filtered(), &mut self.line)
    }

    /// Sends `line`, unless it is a post that matches no rule; returns whether it was sent.
    async fn deliver(&mut self, searchable: Option<Searchable>) -> io::Result<bool> {
        let mut line = std::mem::take(&mut self.line);
        let facts = searchable.map(|post| PostFacts::new(&post.text, post.lang));
        let matches = facts.is_none_or(|facts| self.matches_rules(&mut line, &facts, false));
        if matches {
            self.message(&line).await?;
        } else {
            // Without a pause a stream that nothing matches would never wait for anything.
            tokio::task::yield_now().await;
        }
        self.line = line;
        Ok(matches)
    }

    pub(crate) async fn posts(&mut self, count: Option<u64>, every: Duration) -> io::Result<()> {
        let mut pace = self.pace(every);
        let mut left = count;
        while take_one(&mut left) {
            tick(&mut pace).await;
            let searchable = self.generate();
            if self.deliver(searchable).await? && self.request.content.is_post() {
                self.state.meter.generated(self.state.clock.unix_ms());
            }
        }
        Ok(())
    }

    /// The numbered feed for a while. Something is returned when a requested range is complete.
    pub(crate) async fn feed(&mut self, duration: Option<Duration>) -> io::Result<Option<Finish>> {
        let (clock, feed) = (&self.state.clock, &self.state.feed);
        let stop = duration.map_or(Duration::MAX, |duration| clock.now() + duration);
        let end = match self.request.part {
            FeedPart::Live { .. } => u64::MAX,
            FeedPart::Range { end, .. } => feed.first_at(end),
        };
        let (partition, partitions) = self.request.partition;
        let keep_alive = self.request.endpoint.family.keep_alive();
        let mut quiet_since = clock.now();
        loop {
            // The next number of this partition.
            self.next_number += (partition + partitions - self.next_number % partitions) % partitions;
            if self.next_number >= end {
                return self.end().await.map(Some);
            }
            let due = feed.time_of(self.next_number).min(stop);
            let wake = due.min(quiet_since + keep_alive);
            clock.sleep_until(wake).await;
            if wake < due {
                self.body.send(b"\r\n").await?;
            } else if due == stop {
                return Ok(None);
            } else {
                let number = self.next_number;
                self.next_number += 1;
                let searchable = self.write(&feed.item(number));
                if !self.has_language(searchable.as_ref()) {
                    // As where a post matches no rule: a search through hours of the past must leave time to others.
                    tokio::task::yield_now().await;
                    continue;
                }
                if !self.deliver(searchable).await? {
                    continue;
                }
                self.state.log.delivered_number(self.connection, number);
                if self.request.content.is_post() {
                    self.state.meter.numbered(number, clock.unix_ms());
                }
            }
            quiet_since = clock.now();
        }
    }

    pub(crate) async fn flood(&mut self, count: Option<u64>, line_by_line: bool) -> io::Result<()> {
        let (state, connection) = (self.state, self.connection);
        let block = state.floods.block(line_by_line, self.gzip, state.clock.unix_ms())?;
        let (slot, meter) = (slot(line_by_line, self.gzip), &state.meter);
        let posts = block.ends.len() as u64;
        self.body.align().await?;
        let mut left = count;
        while left.is_none_or(|left| left >= posts) {
            let (mut from, mut done) = (0, 0);
            for &(to, complete) in &block.stops {
                self.body.splice(&block, from, to).await?;
                state.log.delivered(connection, complete - done);
                meter.flooded(slot, usize::try_from(complete).unwrap_or(usize::MAX), state.clock.unix_ms());
                (from, done) = (to, complete);
            }
            left = left.map(|left| left - posts);
        }
        let rest = usize::try_from(left.unwrap_or(0)).expect("the rest is smaller than a block");
        let mut from = 0;
        for (n, &end) in block.ends[..rest].iter().enumerate() {
            self.body.send(&block.plain[from..end]).await?;
            state.log.delivered(connection, 1);
            meter.flooded(slot, n + 1, state.clock.unix_ms());
            from = end;
        }
        Ok(())
    }
}

/// Puts the rules that a post matches into its line, in place of those it names. The rest of the line stays as it was
/// made, escapes and all.
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

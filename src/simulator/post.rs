//! Generated posts: varied, seeded, of the size and shape X sends, with invented people and texts.
//!
//! Most are v2 posts as the filtered stream delivers them, one in seven is a v1.1 post. The texts
//! hold what trips careless readers: emoji, escapes, quotes of control messages. Everything is
//! written straight into the caller's buffer, for the same generator also feeds the floods.
//!
//! Law: one call appends one valid JSON object without a line end, and ids strictly increase.

use std::io::Write as _;

use fastrand::Rng;
use jiff::Timestamp;

use super::word::{ABOUT, CONTEXT, ENGLISH, HASHTAGS, NAMES, RULES, TEXTS};

/// Writes formatted text at the end of a buffer.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {
        $out.write_fmt(format_args!($($text)*)).expect("writing into memory cannot fail")
    };
}

/// The first millisecond of X's id scheme: `id >> 22` counts from here.
const SNOWFLAKE_EPOCH: u64 = 1_288_834_974_657;

/// An endless supply of posts. The same seed and times give the same posts.
#[derive(Debug)]
pub struct Posts {
    rng: Rng,
    last: u64,
    /// The second `v1_date` is for: formatting a date costs more than the rest of a post.
    second: u64,
    /// That second as the v1.1 format writes it.
    v1_date: String,
}

/// An account of the invented town, with the numbers of one moment.
struct User {
    id: u64,
    name: &'static str,
    username: &'static str,
    about: &'static str,
}

/// A text with where its hashtag and mention stand, in code points as X counts them.
struct Text {
    words: String,
    lang: &'static str,
    hashtag: Option<(usize, usize, &'static str)>,
    mention: Option<(usize, usize, User)>,
    /// Write everything outside ASCII as `\uXXXX`, as X's older back ends do.
    ascii: bool,
}

impl Posts {
    /// Starts the supply.
    #[must_use]
    pub fn new(seed: u64) -> Posts {
        Posts { rng: Rng::with_seed(seed), last: 0, second: u64::MAX, v1_date: String::new() }
    }

    /// Appends one post as JSON, without a line end, as if written at `unix_ms`.
    pub fn next(&mut self, unix_ms: u64, out: &mut Vec<u8>) {
        let id = self.next_id(unix_ms);
        if self.rng.u8(..100) < 15 {
            self.v1(id, unix_ms, out);
        } else {
            self.v2(id, unix_ms, out);
        }
    }

    /// The id of the post made last; 0 before the first.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.last
    }

    fn next_id(&mut self, unix_ms: u64) -> u64 {
        let floor = unix_ms.saturating_sub(SNOWFLAKE_EPOCH) << 22;
        // Low bits as X fills them: data centre, worker, sequence. Here they only tell posts of
        // one millisecond apart, and a clock that steps back must not make an id smaller.
        self.last = floor.max(self.last + 1 + self.rng.u64(..3));
        self.last
    }

    fn v2(&mut self, id: u64, unix_ms: u64, out: &mut Vec<u8>) {
        let text = self.text();
        let author = self.user();
        let earlier = id - (self.rng.u64(1..900_000) << 32);
        let reference = match self.rng.u8(..10) {
            0..=2 => Some("retweeted"),
            3 | 4 => Some("quoted"),
            5..=7 => Some("replied_to"),
            _ => None,
        };
        let media = self.rng.u8(..4) == 0;
        let at = rfc3339(unix_ms);

        put!(
            out,
            "{{\"data\":{{\"author_id\":\"{}\",\"conversation_id\":\"{}\"\
                 ,\"created_at\":\"{at}\",\"edit_history_tweet_ids\":[\"{id}\"]\
                 ,\"id\":\"{id}\"",
            author.id,
            if reference == Some("replied_to") { earlier } else { id }
        );
        if media {
            put!(out, ",\"attachments\":{{\"media_keys\":[\"3_{}\"]}}", id - 4096);
        }
        put!(
            out,
            ",\"edit_controls\":{{\"edits_remaining\":5,\"is_edit_eligible\":{}\
                 ,\"editable_until\":\"{}\"}}",
            reference.is_none(),
            rfc3339(unix_ms + 3_600_000)
        );
        if self.rng.bool() {
            out.extend_from_slice(CONTEXT);
        }
        out.extend_from_slice(b",\"entities\":");
        text.entities(out, "start", "tag");
        put!(out, ",\"lang\":\"{}\",\"possibly_sensitive\":false,\"public_metrics\":", text.lang);
        self.metrics(out);
        if let Some(kind) = reference {
            put!(out, ",\"referenced_tweets\":[{{\"type\":\"{kind}\",\"id\":\"{earlier}\"}}]");
        }
        out.extend_from_slice(b",\"reply_settings\":\"everyone\",\"text\":");
        let prefix = if reference == Some("retweeted") { format!("RT @{}: ", author.username) } else { String::new() };
        quote(&format!("{prefix}{}", text.words), text.ascii, out);
        out.push(b'}');
        let missing = reference.is_some() && self.rng.u8(..12) == 0;
        let referenced = reference.filter(|_| !missing).map(|_| earlier);
        self.includes(id, &author, &text, referenced, media, out);
        if missing {
            put!(
                out,
                ",\"errors\":[{{\"value\":\"{earlier}\"\
                     ,\"detail\":\"Could not find tweet with referenced_tweets.id: [{earlier}].\"\
                     ,\"title\":\"Not Found Error\",\"resource_type\":\"tweet\"\
                     ,\"parameter\":\"referenced_tweets.id\"\
                     ,\"resource_id\":\"{earlier}\"\
                     ,\"type\":\"https://api.twitter.com/2/problems/resource-not-found\"}}]"
            );
        }
        self.matching_rules(out);
        out.push(b'}');
    }

    /// What the post refers to, in full.
    fn includes(
        &mut self,
        id: u64,
        author: &User,
        text: &Text,
        referenced: Option<u64>,
        media: bool,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b",\"includes\":{\"users\":[");
        self.v2_user(author, text.ascii, out);
        if let Some((_, _, mentioned)) = &text.mention {
            out.push(b',');
            self.v2_user(mentioned, text.ascii, out);
        }
        out.push(b']');
        if let Some(earlier) = referenced {
            let quoted = self.text();
            put!(
                out,
                ",\"tweets\":[{{\"author_id\":\"{}\",\"created_at\":\"{}\"\
                     ,\"edit_history_tweet_ids\":[\"{earlier}\"],\"id\":\"{earlier}\"\
                     ,\"lang\":\"{}\",\"entities\":",
                self.user().id,
                rfc3339((earlier >> 22) + SNOWFLAKE_EPOCH),
                quoted.lang
            );
            quoted.entities(out, "start", "tag");
            out.extend_from_slice(b",\"public_metrics\":");
            self.metrics(out);
            out.extend_from_slice(b",\"text\":");
            quote(&quoted.words, quoted.ascii, out);
            out.extend_from_slice(b"}]");
        }
        if media {
            put!(
                out,
                ",\"media\":[{{\"media_key\":\"3_{}\",\"type\":\"photo\"\
                     ,\"width\":1280,\"height\":{}\
                     ,\"url\":\"https://img.example.test/media/{:x}.jpg\"\
                     ,\"alt_text\":\"A cat, or a very small cloud\"}}]",
                id - 4096,
                self.rng.u16(400..2000),
                id
            );
        }
        out.push(b'}');
    }

    /// Which of the app's rules the post matches: one, now and then two.
    fn matching_rules(&mut self, out: &mut Vec<u8>) {
        let first = self.rng.usize(..RULES.len());
        let (rule, tag) = RULES[first];
        put!(out, ",\"matching_rules\":[{{\"id\":\"{rule}\",\"tag\":{tag}}}");
        if self.rng.u8(..5) == 0 {
            let (rule, tag) = RULES[(first + 1) % RULES.len()];
            put!(out, ",{{\"id\":\"{rule}\",\"tag\":{tag}}}");
        }
        out.push(b']');
    }

    fn v2_user(&mut self, user: &User, ascii: bool, out: &mut Vec<u8>) {
        put!(
            out,
            "{{\"id\":\"{}\",\"username\":\"{}\"\
                 ,\"created_at\":\"20{:02}-{:02}-{:02}T08:15:30.000Z\"\
                 ,\"protected\":false,\"verified\":{}\
                 ,\"profile_image_url\":\"https://img.example.test/profile/{:x}_normal.jpg\"\
                 ,\"public_metrics\":{{\"followers_count\":{},\"following_count\":{}\
                 ,\"tweet_count\":{},\"listed_count\":{}}},\"name\":",
            user.id,
            user.username,
            self.rng.u8(9..25),
            self.rng.u8(1..13),
            self.rng.u8(1..29),
            self.rng.bool(),
            user.id,
            self.rng.u32(..90_000),
            self.rng.u32(..3000),
            self.rng.u32(..80_000),
            self.rng.u32(..400)
        );
        quote(user.name, ascii, out);
        out.extend_from_slice(b",\"description\":");
        quote(user.about, ascii, out);
        out.push(b'}');
    }

    fn v1(&mut self, id: u64, unix_ms: u64, out: &mut Vec<u8>) {
        self.v1_open(id, unix_ms, out);
        match self.rng.u8(..4) {
            0 => {
                let text = self.text();
                let full =
                    format!("{0} … {0} … and so on, well past the old limit, until the sentence is over.", text.words);
                put!(
                    out,
                    ",\"truncated\":true\
                         ,\"extended_tweet\":{{\"display_text_range\":[0,{}]\
                         ,\"entities\":",
                    full.chars().count()
                );
                text.entities(out, "indices", "text");
                out.extend_from_slice(b",\"full_text\":");
                quote(&full, text.ascii, out);
                out.push(b'}');
            }
            1 => {
                out.extend_from_slice(b",\"truncated\":false,\"retweeted_status\":");
                let earlier = id - (self.rng.u64(1..900_000) << 32);
                self.v1_open(earlier, (earlier >> 22) + SNOWFLAKE_EPOCH, out);
                out.extend_from_slice(b",\"truncated\":false}");
            }
            _ => out.extend_from_slice(b",\"truncated\":false"),
        }
        put!(out, ",\"filter_level\":\"low\",\"timestamp_ms\":\"{unix_ms}\"}}");
    }

    /// The common members of a v1.1 post; the caller closes the object.
    fn v1_open(&mut self, id: u64, unix_ms: u64, out: &mut Vec<u8>) {
        let text = self.text();
        let user = self.user();
        put!(out, "{{\"created_at\":\"{}\"", self.v1_date(unix_ms));
        put!(
            out,
            ",\"id\":{id},\"id_str\":\"{id}\"\
                 ,\"source\":\"<a href=\\\"https://client.example.test\\\" rel=\\\"nofollow\\\">Harbour Client</a>\"\
                 ,\"in_reply_to_status_id\":null,\"in_reply_to_status_id_str\":null\
                 ,\"in_reply_to_user_id\":null,\"in_reply_to_user_id_str\":null\
                 ,\"in_reply_to_screen_name\":null,\"geo\":null,\"coordinates\":null\
                 ,\"place\":null,\"contributors\":null,\"is_quote_status\":false\
                 ,\"quote_count\":0,\"reply_count\":{},\"retweet_count\":{}\
                 ,\"favorite_count\":{},\"favorited\":false,\"retweeted\":false\
                 ,\"lang\":\"{}\",\"text\":",
            self.rng.u8(..9),
            self.rng.u8(..40),
            self.rng.u8(..200),
            text.lang
        );
        quote(&text.words, text.ascii, out);
        out.extend_from_slice(b",\"entities\":");
        text.entities(out, "indices", "text");
        put!(
            out,
            ",\"user\":{{\"id\":{0},\"id_str\":\"{0}\",\"screen_name\":\"{1}\"\
                 ,\"location\":null,\"url\":null,\"translator_type\":\"none\"\
                 ,\"protected\":false,\"verified\":{2},\"followers_count\":{3}\
                 ,\"friends_count\":{4},\"listed_count\":{5},\"favourites_count\":{6}\
                 ,\"statuses_count\":{7}\
                 ,\"created_at\":\"Sat Mar 10 14:03:15 +0000 2018\",\"utc_offset\":null\
                 ,\"time_zone\":null,\"geo_enabled\":false,\"lang\":null\
                 ,\"contributors_enabled\":false,\"is_translator\":false\
                 ,\"profile_image_url_https\":\"https://img.example.test/profile/{0:x}_normal.jpg\"\
                 ,\"default_profile\":true,\"following\":null,\"notifications\":null\
                 ,\"name\":",
            user.id,
            user.username,
            self.rng.bool(),
            self.rng.u32(..90_000),
            self.rng.u16(..3000),
            self.rng.u16(..400),
            self.rng.u16(..9000),
            self.rng.u32(..80_000)
        );
        quote(user.name, text.ascii, out);
        out.extend_from_slice(b",\"description\":");
        quote(user.about, text.ascii, out);
        out.push(b'}');
    }

    fn metrics(&mut self, out: &mut Vec<u8>) {
        put!(
            out,
            "{{\"retweet_count\":{},\"reply_count\":{},\"like_count\":{}\
                 ,\"quote_count\":{},\"bookmark_count\":{},\"impression_count\":{}}}",
            self.rng.u16(..500),
            self.rng.u8(..60),
            self.rng.u16(..3000),
            self.rng.u8(..30),
            self.rng.u8(..40),
            self.rng.u32(..90_000)
        );
    }

    fn user(&mut self) -> User {
        let n = self.rng.usize(..NAMES.len());
        let (name, username) = NAMES[n];
        // One account keeps one id, so that deleting or muting it means something.
        let id = 2_244_994_000 + 7919 * n as u64;
        User { id, name, username, about: ABOUT[n % ABOUT.len()] }
    }

    fn text(&mut self) -> Text {
        let english = self.rng.u8(..10) < 3;
        let (lang, opening) = TEXTS[self.rng.usize(..if english { ENGLISH } else { TEXTS.len() })];
        let mut text = String::from(opening);
        if self.rng.u8(..3) == 0 {
            // A second sentence, so that not every text is one of a handful.
            text.push(' ');
            text.push_str(TEXTS[self.rng.usize(..ENGLISH)].1);
        }
        let mut at = text.chars().count();
        let mut append = |word: String| {
            let start = at + 1;
            at = start + word.chars().count();
            text.push(' ');
            text.push_str(&word);
            (start, at)
        };
        let hashtag = self.rng.bool().then(|| {
            let tag = HASHTAGS[self.rng.usize(..HASHTAGS.len())];
            let (start, end) = append(format!("#{tag}"));
            (start, end, tag)
        });
        let mention = (self.rng.u8(..3) == 0).then(|| {
            let user = self.user();
            let (start, end) = append(format!("@{}", user.username));
            (start, end, user)
        });
        Text { words: text, lang, hashtag, mention, ascii: self.rng.u8(..3) == 0 }
    }

    fn v1_date(&mut self, unix_ms: u64) -> &str {
        if self.second != unix_ms / 1000 {
            self.second = unix_ms / 1000;
            self.v1_date = timestamp(unix_ms).strftime("%a %b %d %H:%M:%S +0000 %Y").to_string();
        }
        &self.v1_date
    }
}

impl Text {
    /// Writes the entities; v2 has `start` and `end`, v1.1 an array `indices`.
    fn entities(&self, out: &mut Vec<u8>, position: &str, tag_key: &str) {
        let place = |out: &mut Vec<u8>, start: usize, end: usize| {
            if position == "indices" {
                put!(out, "\"indices\":[{start},{end}]");
            } else {
                put!(out, "\"start\":{start},\"end\":{end}");
            }
        };
        out.extend_from_slice(b"{\"hashtags\":[");
        if let Some((start, end, tag)) = self.hashtag {
            out.push(b'{');
            place(out, start, end);
            put!(out, ",\"{tag_key}\":\"{tag}\"}}");
        }
        out.extend_from_slice(if position == "indices" { b"],\"user_mentions\":[" } else { b"],\"mentions\":[" });
        if let Some((start, end, user)) = &self.mention {
            out.push(b'{');
            place(out, *start, *end);
            let name = if position == "indices" { "screen_name" } else { "username" };
            put!(out, ",\"{name}\":\"{}\"", user.username);
            if position == "indices" {
                put!(out, ",\"id\":{0},\"id_str\":\"{0}\"}}", user.id);
            } else {
                put!(out, ",\"id\":\"{}\"}}", user.id);
            }
        }
        out.extend_from_slice(b"]}");
    }
}

pub(super) fn timestamp(unix_ms: u64) -> Timestamp {
    i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as v2 writes it, with milliseconds.
pub(super) fn rfc3339(unix_ms: u64) -> String {
    format!("{:.3}", timestamp(unix_ms))
}

/// Writes a JSON string. With `ascii`, what is beyond ASCII becomes escapes, astral characters
/// surrogate pairs.
fn quote(text: &str, ascii: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    put!(out, "\\u{unit:04x}");
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const AT: u64 = 1_790_000_000_000;

    #[test]
    fn every_post_is_valid_json_of_the_size_x_sends() {
        let mut posts = Posts::new(7);
        let (mut english, mut v1, mut total, mut last) = (0, 0, 0, 0);
        for n in 0..10_000 {
            let mut line = Vec::new();
            posts.next(AT + n / 3, &mut line);
            assert!(!line.contains(&b'\n'));
            total += line.len();
            let post: Value = serde_json::from_slice(&line).unwrap();
            let old = post.get("id_str").is_some();
            v1 += u32::from(old);
            let limit = if old { 6144 } else { 4096 };
            assert!((1000..=limit).contains(&line.len()), "{} bytes: {post}", line.len());
            let data = post.get("data").unwrap_or(&post);
            english += u32::from(data["lang"] == "en");
            let id: u64 = data.get("id_str").unwrap_or(&data["id"]).as_str().unwrap().parse().unwrap();
            assert!(id > last);
            last = id;
            assert_eq!(id, posts.last_id());
        }
        assert!((1500..=2500).contains(&(total / 10_000)), "mean {}", total / 10_000);
        assert!((4000..=7000).contains(&english), "{english} English");
        assert!((1200..=1800).contains(&v1), "{v1} v1.1");
    }

    #[test]
    fn the_id_tells_the_time() {
        let mut posts = Posts::new(1);
        posts.next(AT, &mut Vec::new());
        assert_eq!((posts.last_id() >> 22) + SNOWFLAKE_EPOCH, AT);
    }

    #[test]
    fn the_same_seed_gives_the_same_posts() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let (mut one, mut two) = (Posts::new(3), Posts::new(3));
        for n in 0..50 {
            one.next(AT + n, &mut a);
            two.next(AT + n, &mut b);
        }
        assert_eq!(a, b);
    }

    #[test]
    fn entities_point_at_their_words() {
        let mut posts = Posts::new(5);
        let mut seen = 0;
        for n in 0..300 {
            let mut line = Vec::new();
            posts.next(AT + n, &mut line);
            let post: Value = serde_json::from_slice(&line).unwrap();
            if post["data"]["referenced_tweets"][0]["type"] == "retweeted" {
                continue; // Positions refer to the original text, which X cuts as well.
            }
            let Some(tag) = post["data"]["entities"]["hashtags"].get(0) else {
                continue;
            };
            let text: Vec<char> = post["data"]["text"].as_str().unwrap().chars().collect();
            let at = |key: &str| usize::try_from(tag[key].as_u64().unwrap()).unwrap();
            let word: String = text[at("start")..at("end")].iter().collect();
            assert_eq!(word, format!("#{}", tag["tag"].as_str().unwrap()));
            seen += 1;
        }
        assert!(seen > 50);
    }
}

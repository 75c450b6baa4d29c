//! Generated posts in the v1.1 format, which the v1.1 streams and Powerstream carry.

use std::io::Write as _;

use super::author::{Text, User, put, quote};
use super::post::{Generator, calendar, millis_of};

impl Generator {
    /// Appends a whole v1.1 post; `note` ends its text.
    pub(crate) fn v1(&mut self, id: u64, unix_ms: u64, note: &str, out: &mut Vec<u8>) {
        self.v1_open(id, unix_ms, note, out);
        match self.rng.u8(..4) {
            0 => {
                let text = Text::random(&mut self.rng);
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
                self.v1_open(earlier, millis_of(earlier), "", out);
                out.extend_from_slice(b",\"truncated\":false}");
            }
            _ => out.extend_from_slice(b",\"truncated\":false"),
        }
        put!(out, ",\"filter_level\":\"low\",\"timestamp_ms\":\"{unix_ms}\"}}");
    }

    /// The common members of a v1.1 post; the caller closes the object.
    fn v1_open(&mut self, id: u64, unix_ms: u64, note: &str, out: &mut Vec<u8>) {
        let mut text = Text::random(&mut self.rng);
        text.words.push_str(note);
        let user = User::random(&mut self.rng);
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

    fn v1_date(&mut self, unix_ms: u64) -> &str {
        if self.second != unix_ms / 1000 {
            self.second = unix_ms / 1000;
            self.v1_date = calendar(unix_ms).strftime("%a %b %d %H:%M:%S +0000 %Y").to_string();
        }
        &self.v1_date
    }
}

//! Generated posts in the v1.1 format, which the v1.1 streams and Powerstream carry.

use serde_json::{Value, json};

use super::author::{Text, User, append};
use super::post::{Generator, calendar, millis_of};

impl Generator {
    /// Appends a whole v1.1 post; `note` ends its text.
    pub(crate) fn v1(&mut self, id: u64, unix_ms: u64, note: &str, out: &mut Vec<u8>) {
        let (mut post, ascii) = self.v1_post(id, unix_ms, note);
        match self.rng.u8(..4) {
            0 => {
                let text = Text::random(&mut self.rng);
                let full =
                    format!("{0} … {0} … and so on, well past the old limit, until the sentence is over.", text.words);
                post["truncated"] = true.into();
                post["extended_tweet"] = json!({ "display_text_range": [0, full.chars().count()],
                    "entities": text.v1_entities(), "full_text": full });
            }
            1 => {
                let earlier = id - (self.rng.u64(1..900_000) << 32);
                post["retweeted_status"] = self.v1_post(earlier, millis_of(earlier), "").0;
            }
            _ => {}
        }
        post["filter_level"] = "low".into();
        post["timestamp_ms"] = unix_ms.to_string().into();
        append(&post, ascii, out);
    }

    /// The common members of a v1.1 post, and whether its texts are written in ASCII.
    fn v1_post(&mut self, id: u64, unix_ms: u64, note: &str) -> (Value, bool) {
        let text = Text::random(&mut self.rng);
        let user = User::random(&mut self.rng);
        let account = json!({
            "id": user.id, "id_str": user.id.to_string(), "screen_name": user.username,
            "location": null, "url": null, "translator_type": "none",
            "protected": false, "verified": self.rng.bool(), "followers_count": self.rng.u32(..90_000),
            "friends_count": self.rng.u16(..3000), "listed_count": self.rng.u16(..400),
            "favourites_count": self.rng.u16(..9000), "statuses_count": self.rng.u32(..80_000),
            "created_at": "Sat Mar 10 14:03:15 +0000 2018", "utc_offset": null,
            "time_zone": null, "geo_enabled": false, "lang": null,
            "contributors_enabled": false, "is_translator": false,
            "profile_image_url_https": format!("https://img.example.test/profile/{:x}_normal.jpg", user.id),
            "default_profile": true, "following": null, "notifications": null,
            "name": user.name, "description": user.about,
        });
        let post = json!({
            "created_at": calendar(unix_ms).strftime("%a %b %d %H:%M:%S +0000 %Y").to_string(),
            "id": id, "id_str": id.to_string(),
            "source": r#"<a href="https://client.example.test" rel="nofollow">Harbour Client</a>"#,
            "in_reply_to_status_id": null, "in_reply_to_status_id_str": null,
            "in_reply_to_user_id": null, "in_reply_to_user_id_str": null, "in_reply_to_screen_name": null,
            "geo": null, "coordinates": null, "place": null, "contributors": null,
            "is_quote_status": false, "favorited": false, "retweeted": false, "truncated": false,
            "quote_count": 0, "reply_count": self.rng.u8(..9), "retweet_count": self.rng.u8(..40),
            "favorite_count": self.rng.u8(..200),
            "lang": text.lang, "text": format!("{}{note}", text.words), "entities": text.v1_entities(),
            "user": account,
        });
        (post, text.ascii)
    }
}

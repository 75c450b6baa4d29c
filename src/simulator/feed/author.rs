//! The invented accounts and their texts, with entities.
//!
//! Offsets count code points, as X's do, so that a client that counts bytes or UTF-16 units fails its tests.

use fastrand::Rng;
use serde_json::{Value, json};

use super::corpus::{ABOUT, ENGLISH, HASHTAGS, NAMES, TEXTS};

/// An invented account, with its numbers at one time.
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) username: &'static str,
    pub(crate) about: &'static str,
}

/// A text with where its hashtag and mention are, in code points as X counts them.
pub(crate) struct Text {
    pub(crate) words: String,
    pub(crate) lang: &'static str,
    pub(crate) hashtag: Option<(usize, usize, &'static str)>,
    pub(crate) mention: Option<(usize, usize, User)>,
    /// Write everything outside ASCII as `\uXXXX`, as X's older back ends do.
    pub(crate) ascii: bool,
}

impl User {
    /// One of the invented accounts.
    pub(crate) fn random(rng: &mut Rng) -> User {
        let n = rng.usize(..NAMES.len());
        let (name, username) = NAMES[n];
        // One account keeps one id, so that deleting or muting it means something.
        let id = 2_244_994_000 + 7919 * n as u64;
        User { id, name, username, about: ABOUT[n % ABOUT.len()] }
    }
}

impl Text {
    /// One of the invented texts.
    pub(crate) fn random(rng: &mut Rng) -> Text {
        let english = rng.u8(..10) < 3;
        let (lang, opening) = TEXTS[rng.usize(..if english { ENGLISH } else { TEXTS.len() })];
        let mut text = String::from(opening);
        if rng.u8(..3) == 0 {
            // A second sentence, so that not every text is one of a handful.
            text.push(' ');
            text.push_str(TEXTS[rng.usize(..ENGLISH)].1);
        }
        let mut at = text.chars().count();
        let mut append = |word: String| {
            let start = at + 1;
            at = start + word.chars().count();
            text.push(' ');
            text.push_str(&word);
            (start, at)
        };
        let hashtag = rng.bool().then(|| {
            let tag = HASHTAGS[rng.usize(..HASHTAGS.len())];
            let (start, end) = append(format!("#{tag}"));
            (start, end, tag)
        });
        let mention = (rng.u8(..3) == 0).then(|| {
            let user = User::random(rng);
            let (start, end) = append(format!("@{}", user.username));
            (start, end, user)
        });
        Text { words: text, lang, hashtag, mention, ascii: rng.u8(..3) == 0 }
    }

    /// The entities of a v2 post.
    pub(crate) fn entities(&self) -> Value {
        let hashtag = self.hashtag.map(|(start, end, tag)| json!({ "start": start, "end": end, "tag": tag }));
        let mention = self.mention.as_ref().map(|(start, end, user)| {
            json!({ "start": start, "end": end, "username": user.username, "id": user.id.to_string() })
        });
        json!({ "hashtags": Vec::from_iter(hashtag), "mentions": Vec::from_iter(mention) })
    }

    /// The entities of a v1.1 post.
    pub(crate) fn v1_entities(&self) -> Value {
        let hashtag = self.hashtag.map(|(start, end, tag)| json!({ "indices": [start, end], "text": tag }));
        let mention = self.mention.as_ref().map(|(start, end, user)| {
            json!({ "indices": [start, end], "screen_name": user.username, "id": user.id,
                "id_str": user.id.to_string() })
        });
        json!({ "hashtags": Vec::from_iter(hashtag), "user_mentions": Vec::from_iter(mention) })
    }
}

/// Appends a message. With `ascii`, what is beyond ASCII becomes escapes, astral characters surrogate pairs.
pub(crate) fn append(message: &Value, ascii: bool, out: &mut Vec<u8>) {
    for c in message.to_string().chars() {
        if ascii && !c.is_ascii() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

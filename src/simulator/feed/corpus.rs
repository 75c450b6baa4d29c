//! The texts and accounts of generated posts, all invented.
//!
//! The texts contain what careless parsers get wrong: emoji of several code points, right-to-left script, quotes, line
//! ends, backslashes, and control messages quoted in a text, which a search over the whole line mistakes for real ones.

/// Language and text. English is listed often enough to make up at least four posts in ten.
pub(crate) const TEXTS: &[(&str, &str)] = &[
    ("en", "The kettle has opinions about thread pools and I am starting to agree with it."),
    ("en", "Day 12 of teaching the cat to review pull requests. She only approves \"small\" ones 🐈"),
    ("en", "Rain on the roof, tea on the desk,\nand a build that is green at last. 🌧️☕"),
    ("en", "TIL a line is not a line until somebody sends the newline."),
    (
        "en",
        "What a disconnect looks like, for the curious: {\"disconnect\":{\"code\":7\
         ,\"stream_name\":\"demo\",\"reason\":\"admin logout\"}}",
    ),
    ("en", "Our pipeline printed {\"limit\":{\"track\":5}} and three people asked what it means."),
    ("en", "Found a café with slow wifi and fast espresso. Naïve of me to expect both 😅"),
    ("en", "Dogs of the harbour, a thread 🐕🧵\n\n1/ Biscuit sleeps on the warm side of the ferry ramp."),
    ("en", "C:\\temp\\notes.txt is where my plans go to rest. \t(tab for scale)"),
    ("en", "Borrow checker said no. Borrow checker was right. 🦀"),
    ("en", "Someone pasted {\"errors\":[{\"title\":\"operational-disconnect\"}]} into the chat and the bot hung up."),
    ("ja", "猫がキーボードの上で寝ているので、今日の仕事はここまでです。🐱💤"),
    ("ja", "駅前の新しいパン屋さん、クロワッサンが本当においしかった🥐"),
    ("es", "¿Quién más se despierta antes que el despertador? Aquí seguimos, con café y sueño ☕"),
    ("es", "El perro del vecino aprendió a abrir la puerta. Mañana aprenderá a cerrarla, espero 🐶"),
    ("ar", "صباح الخير من شرفة تطل على البحر 🌊"),
    ("pt", "Três linhas de código, duas de comentário e uma tarde inteira de sol ☀️"),
    ("de", "Übung macht den Meister, sagt die Katze, und wirft das Glas noch einmal um."),
    ("fr", "Le chien a mangé la spécification. Littéralement. 📄🐕"),
    ("ko", "오늘은 산책하기 좋은 날씨예요 🍂"),
    ("und", "🎉🎉🎉👩‍👩‍👧‍👦🏳️‍🌈"),
];

/// How many of the first texts are English and may be drawn with extra weight.
pub(crate) const ENGLISH: usize = 11;

pub(crate) const NAMES: &[(&str, &str)] = &[
    ("Marigold Quill", "marigoldquill"),
    ("Otto 🛠️", "otto_tinkers"),
    ("Pebble & Fern", "pebblefern"),
    ("Ines Montelunar", "inesmontelunar"),
    ("ソラノ ねこ", "sorano_neko"),
    ("Tobias Wren", "wren_tobias"),
    ("Café Cumulus", "cafecumulus"),
    ("نجمة البحر", "najma_sea"),
    ("Zed Harbour", "zedharbour"),
    ("The Slow Ferry", "slowferry"),
    ("Lúcia Ventania", "luciaventania"),
    ("bit \"byte\" bot", "bitbytebot"),
];

pub(crate) const ABOUT: &[&str] = &[
    "Writes about boats, bread and build systems. Opinions belong to the cat.",
    "Photographer of puddles 📷\nSometimes code, mostly clouds.",
    "Retired lighthouse keeper. \"Always on\" was the job description.",
    "手作りの地図と、ゆっくりした旅が好きです。",
    "Tiny robot. Posts a fact every hour; none of them checked.",
    "Ingénieure, jardinière, lectrice de spécifications.",
];

pub(crate) const HASHTAGS: &[&str] = &["caturday", "rustlang", "streaming", "猫", "harbourdogs", "slowfood", "café"];

/// Rule id and tag: a tag may be a string, empty or null.
pub(crate) const RULES: &[(&str, Option<&str>)] = &[
    ("1166895166390583299", Some("cats")),
    ("1166895166390583300", Some("dogs")),
    ("1166895166390583301", Some("rust lang")),
    ("1166895166390583302", None),
    ("1166895166390583303", Some("")),
];

/// What X believes a post is about; present on about half of them.
pub(crate) const CONTEXT: &str = r#"[{"domain":{"id":"66","name":"Interests and Hobbies Category","description":"A grouping of interests and hobbies entities, like Novelty Food or Destinations"},"entity":{"id":"852262932607926273","name":"Animals"}},{"domain":{"id":"65","name":"Interests and Hobbies Vertical","description":"Top level interests and hobbies groupings, like Food or Travel"},"entity":{"id":"847544972781826048","name":"Weather"}}]"#;

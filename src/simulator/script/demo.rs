//! The script of `xstream tail --demo` and of `xstream simulate` without one.

use super::step::Script;

impl Script {
    /// An endless demonstration: the numbered feed with heartbeats, a limit notice now and then, and a different
    /// ending every 30 to 40 seconds.
    ///
    /// A client that follows X's rules reconnects at once only to a stream that was established for 10 s, and
    /// has 50 requests in 15 minutes: both hold here. There is no stall, which would show an empty screen for half a
    /// minute.
    ///
    /// # Panics
    /// Never: a test parses its text.
    #[must_use]
    pub fn demo() -> Script {
        // Every line of the text is one connection.
        let part = "feed 3s; heartbeat";
        let connection = |parts: usize, ending: &str| {
            let mut text = format!("{part}; ").repeat(parts / 2);
            text.push_str("limit 3; ");
            text.push_str(&format!("{part}; ").repeat(parts - parts / 2));
            text.push_str(ending);
            text
        };
        let text = [
            connection(4, "disconnect 12; close"),
            connection(11, "operational-disconnect UpstreamOperationalDisconnect; end"),
            connection(10, "end"),
            connection(12, "cut"),
            connection(10, "reset"),
            connection(13, "disconnect 1; close"),
            connection(11, "warning 90; disconnect 4; close"),
            String::from("again 2"),
        ]
        .join("|");
        Script::parse(&text).expect("the demonstration is a script: a test parses it")
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::Step;
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_demonstration_keeps_to_the_rules_of_a_careful_client() {
        let script = Script::demo();
        for n in 0..20 {
            let steps = script.connection(n);
            assert!(matches!(steps[0], Step::Feed(Some(_))), "messages come first");
            assert!(!steps.contains(&Step::Stall));
            let life: Duration = steps
                .iter()
                .map(|step| match step {
                    Step::Feed(Some(duration)) => *duration,
                    _ => Duration::ZERO,
                })
                .sum();
            let least = if n == 0 { 11 } else { 28 };
            assert!(life >= Duration::from_secs(least) && life <= Duration::from_secs(40), "{life:?}");
        }
    }
}

//! The limits of v1.1 filter predicates, checked before a request: X refuses the stream for one that exceeds them.
//! Source: the v1.1 "Standard stream parameters" page.

/// Most phrases.
pub const MAX_PHRASES: usize = 400;
/// Longest phrase.
pub const MAX_PHRASE_BYTES: usize = 60;
/// Most user ids.
pub const MAX_USERS: usize = 5000;
/// Most boxes.
pub const MAX_BOXES: usize = 25;

/// Checks phrases, user ids, and boxes of four numbers each.
///
/// # Errors
/// Names the flag and what X accepts.
pub fn check(track: &[String], follow: &[String], locations: &[String]) -> Result<(), String> {
    check_track(track)?;
    check_follow(follow)?;
    check_locations(locations)
}

fn check_track(track: &[String]) -> Result<(), String> {
    if track.len() > MAX_PHRASES {
        return Err(format!("--track has {} phrases; X accepts {MAX_PHRASES}", track.len()));
    }
    match track.iter().find(|phrase| phrase.is_empty() || phrase.len() > MAX_PHRASE_BYTES) {
        Some(phrase) => {
            Err(format!("--track: a phrase has 1 to {MAX_PHRASE_BYTES} bytes; `{phrase}` has {}", phrase.len()))
        }
        None => Ok(()),
    }
}

fn check_follow(follow: &[String]) -> Result<(), String> {
    if follow.len() > MAX_USERS {
        return Err(format!("--follow has {} ids; X accepts {MAX_USERS}", follow.len()));
    }
    match follow.iter().find(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(id) => Err(format!("--follow accepts numeric user ids; `{id}` is not one")),
        None => Ok(()),
    }
}

fn check_locations(locations: &[String]) -> Result<(), String> {
    const FORM: &str = "pass boxes as west,south,east,north, such as -122.75,36.8,-121.75,37.8";
    if !locations.len().is_multiple_of(4) {
        return Err(format!("--locations has {} numbers; {FORM}", locations.len()));
    }
    if locations.len() / 4 > MAX_BOXES {
        return Err(format!("--locations has {} boxes; X accepts {MAX_BOXES}", locations.len() / 4));
    }
    let number = |text: &String| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let numbers: Option<Vec<f64>> = locations.iter().map(number).collect();
    for corners in numbers.ok_or_else(|| format!("--locations accepts numbers; {FORM}"))?.chunks(4) {
        let [west, south, east, north] = corners else { continue };
        let shown = format!("{west},{south},{east},{north}");
        let sides = [(west, east, 180.0), (south, north, 90.0)];
        for (low, high, bound) in sides {
            if low.abs() > bound || high.abs() > bound {
                return Err(format!(
                    "--locations {shown}: longitude comes first and is within 180, latitude within 90"
                ));
            }
            if low >= high {
                return Err(format!("--locations {shown}: the south-west corner comes first; {FORM}"));
            }
            // The difference of two rounded decimals may miss a tenth by less than this.
            if high - low < 0.1 - 1e-9 {
                return Err(format!("--locations {shown}: the side of a box has 0.1 to 360 degrees"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_predicate_over_its_limit_is_an_error() {
        let track = |track: Vec<String>| check(&track, &[], &[]);
        assert!(track(vec!["x".repeat(60)]).is_ok() && track(vec!["x".repeat(61)]).is_err());
        assert!(track(vec!["é".repeat(31)]).is_err(), "bytes, not characters");
        assert!(track(vec![String::new()]).is_err() && track(vec!["x".to_owned(); 401]).is_err());
        let follow = |follow: Vec<String>| check(&[], &follow, &[]);
        assert!(follow(vec!["1".to_owned(); 5000]).is_ok() && follow(vec!["1".to_owned(); 5001]).is_err());
        assert!(follow(words("12,x")).is_err() && follow(words("@x")).is_err());
        let locations = |text: &str| check(&[], &[], &words(text));
        for good in ["-122.75,36.8,-121.75,37.8", "-180,-90,180,90", "0,0,0.1,0.1", "0.2,0,0.3,1"] {
            assert!(locations(good).is_ok(), "{good}");
        }
        for bad in ["1,2,3", "37.8,-122.5,36.8,-121", "1,1,0,2", "0,0,0.05,1", "0,0,1,x", "0,0,181,1", "0,-91,1,1"] {
            assert!(locations(bad).is_err(), "{bad}");
        }
        assert!(locations(&vec!["0,0,1,1"; 25].join(",")).is_ok());
        assert!(locations(&vec!["0,0,1,1"; 26].join(",")).is_err());
    }
}

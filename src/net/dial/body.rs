//! Whole bodies: the short text of a refusal, and the reply to an API call. Both are bounded in size and time.

use std::time::Duration;

use crate::clock::Clock;
use crate::net::stream::Stream;
use crate::pipeline::decode::inflate::Inflater;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;

/// The most that is read of a refusal's body; X's longest problem is under 1 KB.
const REFUSAL_CAP: usize = 64 << 10;

/// How long a refusal's body may take, in real time: a refusal needs no computation.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest reply to a call, inflated. X's largest page, 1000 rules of 2048 characters, stays below even if every
/// character takes four bytes.
const REPLY_CAP: usize = 8 << 20;

/// The body of a reply may take twice as long as its head: a minute, in which X's largest page arrives over the
/// slowest line that can carry a stream.
const REPLY_HEADS: u32 = 2;

/// Reads the body of a refusal. Late or cut, the bytes that came are still the best explanation available.
pub async fn read_refusal(stream: &mut Stream) -> ResponseBody {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(Ok(chunk)) = stream.next().await {
            extend(&mut bytes, &chunk);
            if bytes.len() == REFUSAL_CAP {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, reading).await;
    if stream.gzip {
        let mut plain = Vec::new();
        let _ = Inflater::default().push(&bytes, |piece| extend(&mut plain, piece));
        bytes = plain;
    }
    ResponseBody::read(&bytes)
}

fn extend(bytes: &mut Vec<u8>, more: &[u8]) {
    let room = REFUSAL_CAP - bytes.len();
    bytes.extend_from_slice(&more[..more.len().min(room)]);
}

/// Reads the whole reply to a call. It may pause for `limit` and last twice as long.
///
/// # Errors
/// It is too long, too slow, damaged or cut.
pub async fn read_reply(stream: &mut Stream, limit: Duration, clock: &Clock) -> Result<Vec<u8>, Failure> {
    let failed = |cause, detail: String| Failure { cause, detail, sent: true };
    let mut plain = Vec::new();
    let mut length = 0;
    let mut inflater = Inflater::default();
    let mut keep = |bytes: &[u8]| {
        length += bytes.len();
        let fits = length <= REPLY_CAP;
        if fits {
            plain.extend_from_slice(bytes);
        }
        fits
    };
    let until = clock.now().after(limit * REPLY_HEADS);
    loop {
        let left = until.since(clock.now());
        let Ok(next) = clock.timeout(left.min(limit), stream.next()).await else {
            let detail = if limit < left {
                format!("the reply stopped for {} s", limit.as_secs())
            } else {
                format!("the reply did not end within {} s", (limit * REPLY_HEADS).as_secs())
            };
            return Err(failed(LocalCause::Stall, detail));
        };
        let Some(chunk) = next.transpose()? else { break };
        let mut fits = true;
        if stream.gzip {
            let pushed = inflater.push(&chunk, |piece| fits &= keep(piece));
            pushed.map_err(|error| failed(LocalCause::Gzip, format!("damaged gzip: {error}")))?;
        } else {
            fits = keep(&chunk);
        }
        if !fits {
            return Err(failed(LocalCause::Http, format!("the reply is longer than {} MiB", REPLY_CAP >> 20)));
        }
    }
    let finished = inflater.finish();
    let _ = keep(inflater.output());
    if stream.gzip && finished.is_err() {
        return Err(failed(LocalCause::Truncated, "the compressed reply is cut short".to_owned()));
    }
    Ok(plain)
}

//! Options that shape the request for a stream.

use clap::Args;

use super::value::{Suggested, parameter};
use crate::protocol::field;

/// The parameters of the request.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// The stream's partition, for streams that are split
    #[arg(long, value_name = "N")]
    pub partition: Option<u8>,

    /// Request the last minutes again, 0 to 5, mixed into the stream
    #[arg(long, value_name = "MINUTES")]
    pub backfill_minutes: Option<u8>,

    /// Recover from this time on: 2h (ago), 2026-11-22T10:00Z; the run ends when the range is delivered
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,

    /// Recover up to this time
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,

    /// Fields of posts
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::TWEET))]
    pub tweet_fields: Vec<String>,

    /// Objects to include with posts
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = Suggested(field::EXPANSIONS))]
    pub expansions: Vec<String>,

    /// Fields of included users
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::USER))]
    pub user_fields: Vec<String>,

    /// Fields of included media
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::MEDIA))]
    pub media_fields: Vec<String>,

    /// Fields of included polls
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::POLL))]
    pub poll_fields: Vec<String>,

    /// Fields of included places
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::PLACE))]
    pub place_fields: Vec<String>,

    /// Fields of likes, on like streams
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::LIKE))]
    pub like_fields: Vec<String>,

    /// Every field and expansion that an app-only token may request
    #[arg(long)]
    pub all_fields: bool,

    /// Powerstream: only posts of the data centre that answers
    #[arg(long)]
    pub local_dc_only: bool,

    /// Any other parameter, sent as it is
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,

    /// v1-filter: phrases to track
    #[arg(long, value_name = "PHRASE", value_delimiter = ',')]
    pub track: Vec<String>,

    /// v1-filter: ids of users to follow
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub follow: Vec<String>,

    /// v1-filter: boxes as west,south,east,north
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', allow_hyphen_values = true)]
    pub locations: Vec<String>,

    /// v1.1: languages, as BCP 47 tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub language: Vec<String>,

    /// v1.1: how much to filter
    #[arg(long, value_name = "LEVEL", value_parser = ["none", "low", "medium"])]
    pub filter_level: Option<String>,

    /// v1.1: request warnings when this client is lagging
    #[arg(long)]
    pub stall_warnings: bool,

    /// v1.1: request messages framed by their length
    #[arg(long)]
    pub delimited: bool,
}

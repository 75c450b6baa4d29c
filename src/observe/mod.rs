//! Every rendering of what happened: notices, the status row, the summary, the journal's records and the diagnosis of a
//! finished run; and the layout of tables and pages. Pure: no clock, no file, no async.
//!
//! ```text
//! events ---> notice::line                  one line on stderr
//!        ---> Record::from_event            one line of the journal ---> diagnosis
//!        ---> Stats::apply ---> status_row, Record::status, Record::end, RunSummary
//! ```
//!
//! Its law: renderings see events, [`stats::Stats`] and a [`stats::View`], and nothing else, so they cannot
//! contradict each other.

pub mod diagnosis;
pub mod explain_text;
pub mod notice;
pub mod record;
pub mod stats;
pub mod status_row;
pub mod summary;
pub mod table;

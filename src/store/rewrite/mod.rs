//! Archives at rest: found, read in blocks of whole lines, and replaced in one step.
//!
//! ```text
//! find -> collect -> EffectLog -> EffectTable -> scrub -> replacement
//!            \_________ blocks, ordered, lines ____/
//! ```

pub mod blocks;
pub mod collect;
pub mod find;
mod leftover;
mod lines;
mod ordered;
pub mod replacement;
pub mod scrub;

use std::ops::ControlFlow;

/// Receives how many bytes of the current file were read, and may stop the work.
pub type ReadProgress<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

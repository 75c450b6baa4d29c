//! Every test that needs more than one module: the real binary against the simulator, and the scanner against its
//! oracle. One program, since each further one would be linked for itself.

mod archive;
mod children;
mod classify;
mod common;
mod compliance;
mod connection;
mod connections;
mod console;
mod deletions;
mod doctor;
mod explain;
mod filter;
mod imports;
mod names;
mod plain_terminal;
mod project;
mod proxy;
mod quota;
mod row;
mod rules;
mod scan;
mod screen;
mod screen_change;
mod scrub;
mod simulate;
mod slot;
mod state;
mod streams;
mod tail;
mod usage;
mod watching;
mod wording;

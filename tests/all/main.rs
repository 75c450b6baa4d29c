//! Every test that needs more than one module: the real binary against the simulator, and the scanner against its
//! oracle. One program, since each further one would be linked for itself.

mod children;
mod classify;
mod common;
mod connection;
mod connections;
mod console;
mod doctor;
mod explain;
mod filter;
mod imports;
mod names;
mod project;
mod quota;
mod rules;
mod scan;
mod screen;
mod simulate;
mod slot;
mod streams;
mod tail;
mod usage;
mod watching;

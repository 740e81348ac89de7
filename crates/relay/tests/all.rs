//! All tests of this folder in one program; each file says what it is about.

mod one_node;
mod program;
mod support;
mod two_nodes;

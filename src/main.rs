//! The one binary: control point, build daemon and command line.

fn main() {}

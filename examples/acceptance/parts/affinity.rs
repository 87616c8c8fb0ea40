//! Section of the acceptance table; filled in with its section of the engine.

use super::Part;

/// The figures of this section.
pub const PARTS: &[Part] = &[];

//! Monitors as a whole.
use super::*;

//! Pieces that panes draw with. Each is a function or a plain struct over a [`Canvas`](super::canvas::Canvas); none knows
//! a pane, asks anything, or keeps more than what it shows.

//! The command line: one file per family of verbs, one way to print text and JSON.

pub mod prompts;

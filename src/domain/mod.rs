//! The seed's nouns: plain serde types and their parsing. Knows nobody.
//!
//! Start with [`prompt`] (identity), then [`call`] and [`feedback`] (what happened).

/// In JSON these are what they print.
macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

pub mod affinity;
pub mod call;
pub mod cases;
pub mod event;
pub mod feedback;
pub mod finding;
pub mod front_matter;
pub mod governance;
pub mod identity;
pub mod ledger;
pub mod model;
pub mod outcome;
pub mod prompt;
pub mod prompt_file;
pub mod proposal;
pub mod route;
pub mod run;
pub mod settled;
pub mod snapshot;
pub mod variables;
pub mod window;

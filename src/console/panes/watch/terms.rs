//! How the watch words times and amounts in few columns.

use crate::domain::call::Millis;
use crate::engine::number::count;
use crate::engine::trend::health::Health;

/// How long ago: `40s`, `3m`, `26h`, `12d`.
pub(super) fn ago(ms: Millis) -> String {
    match ms.max(0) / 1000 {
        seconds @ ..120 => format!("{seconds}s"),
        seconds @ ..7200 => format!("{}m", seconds / 60),
        seconds @ ..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Day and hour of an RFC 3339 time: `11-20 08:00`.
pub(super) fn short(time: &str) -> String {
    match (time.get(5..10), time.get(11..16)) {
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => time.to_owned(),
    }
}

/// How much more of its calls an hour are bad: `~41`.
pub(super) fn affected(stream: &Health) -> Option<String> {
    let more = stream.affected()?;
    Some(if more < 0.95 { "<1".into() } else { format!("~{}", count(more.round() as u64)) })
}

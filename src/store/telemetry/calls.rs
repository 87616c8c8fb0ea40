//! Reading calls back.

use rusqlite::{Connection, params};

use super::body::{Body, unpack_id};
use super::dictionary::Dictionary;
use super::index::{self, CALLS, Place};
use super::journal;
use super::{KeptCall, feedback};
use crate::domain::call::{Call, Millis};
use crate::domain::feedback::alias;
use crate::engine::rollup::{CallFacts, Change, Delta, VersionId};
use crate::store::fault::Result;

/// Which calls are asked for; a field that is `None` asks for any.
#[derive(Debug, Clone, Default)]
pub struct CallQuery {
    /// Began at or after, ms.
    pub from: Option<Millis>,
    /// Began before, ms.
    pub to: Option<Millis>,
    /// Used one of these prompt versions.
    pub versions: Option<Vec<VersionId>>,
    /// Used a prompt without identity, or none at all.
    pub unprompted: bool,
    /// Ran on one of these models.
    pub models: Option<Vec<u32>>,
    /// Belongs to this session.
    pub session: Option<String>,
    /// Has this provenance id.
    pub provenance: Option<String>,
}

/// The call of a row, with its names put back.
pub fn call_of(dictionary: &Dictionary, at: Millis, id: &[u8], body: &Body<'_>) -> Result<Call> {
    let model = dictionary.model(body.model)?;
    let mut prompts = dictionary.composition(body.composition)?.metadata()?;
    if let (Some(metadata), Some(tokens)) = (&mut prompts, body.estimated_tokens) {
        std::sync::Arc::make_mut(metadata).estimated_tokens = Some(tokens);
    }
    Ok(Call {
        provenance_id: unpack_id(id, at)?,
        at,
        prompts,
        model: model.name.clone(),
        provider: (!model.provider.is_empty()).then(|| model.provider.clone()),
        input_tokens: body.input_tokens,
        output_tokens: body.output_tokens,
        cached_tokens: body.cached_tokens,
        cost: body.cost,
        cost_estimated: body.cost_estimated,
        duration_us: body.duration_us,
        ttft_us: body.ttft_us,
        ok: body.ok,
        error: body.error.as_deref().map(str::to_owned),
        agent: body.agent.map(|a| dictionary.agent(a).map(str::to_owned)).transpose()?,
        session: body.session.as_deref().map(str::to_owned),
        user: body.user.as_deref().map(str::to_owned),
    })
}

/// Hands the calls that match to `each`, newest first, until it says false.
pub fn read(
    db: &Connection,
    dictionary: &Dictionary,
    query: &CallQuery,
    each: &mut dyn FnMut(KeptCall) -> bool,
) -> Result<()> {
    let wanted: Vec<bool> = dictionary
        .compositions()
        .iter()
        .map(|c| {
            let by_version = query
                .versions
                .as_ref()
                .is_none_or(|wanted| c.subjects.iter().any(|(v, _)| wanted.contains(v)));
            by_version && (!query.unprompted || c.subjects.is_empty())
        })
        .collect();
    let mut emit = |at: Millis, id: Vec<u8>, bytes: &[u8]| -> Result<bool> {
        let body = Body::unpack(bytes)?;
        let matches = wanted.get(body.composition as usize).is_some_and(|w| *w)
            && query.models.as_ref().is_none_or(|m| m.contains(&body.model))
            && query.session.as_ref().is_none_or(|s| body.session.as_deref() == Some(s));
        if !matches {
            return Ok(true);
        }
        let call = call_of(dictionary, at, &id, &body)?;
        if query.provenance.as_ref().is_some_and(|wanted| *wanted != call.provenance_id) {
            return Ok(true);
        }
        let feedback = feedback::of_call(db, at, &id)?.into_iter().map(|(_, f)| f).collect();
        Ok(each(KeptCall { call, feedback }))
    };
    let (from, to) = (query.from.unwrap_or(Millis::MIN), query.to.unwrap_or(Millis::MAX));
    if let Some(id) = &query.provenance {
        for second in seconds(db, alias::provenance(id))? {
            let mut statement = db.prepare_cached(OF_SECOND)?;
            let mut rows = statement.query([second])?;
            while let Some(row) = rows.next()? {
                let at = row.get(0)?;
                let body: Vec<u8> = row.get(2)?;
                if (from..to).contains(&at) {
                    emit(at, row.get(1)?, &body)?;
                }
            }
        }
        return Ok(());
    }
    let mut statement = db
        .prepare_cached("SELECT at, id, body FROM call WHERE at >= ? AND at < ? ORDER BY at DESC, id DESC")?;
    let mut rows = statement.query(params![from, to])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        if !emit(row.get(0)?, row.get(1)?, body)? {
            break;
        }
    }
    Ok(())
}

/// The calls of one second.
pub const OF_SECOND: &str =
    "SELECT at, id, body FROM call WHERE at >= ?1 * 1000 AND at < ?1 * 1000 + 1000 ORDER BY at, id";

/// Seconds in which there may be a call with this name, for a reader: segments and the journal's tail.
fn seconds(db: &Connection, name: u64) -> Result<Vec<Place>> {
    let mut found = Vec::new();
    index::find(db, &CALLS, &index::segments(db, &CALLS, false)?, name, &mut found)?;
    journal::after(db, journal::covered(db)?, |_, page| {
        found.extend(page.aliases.iter().filter(|(alias, _)| *alias == name).map(|(_, second)| second));
        Ok(())
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Hands what the newest calls that began at or after `from` add to their cells to `each`, newest first, at most `most`
/// of them.
pub fn newest(
    db: &Connection,
    from: Millis,
    most: usize,
    each: &mut dyn FnMut(Millis, &CallFacts),
) -> Result<()> {
    let mut statement =
        db.prepare_cached("SELECT at, body FROM call WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?")?;
    let mut rows = statement.query(params![from, most as i64])?;
    while let Some(row) = rows.next()? {
        let body = Body::unpack(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        each(row.get(0)?, &body.facts());
    }
    Ok(())
}

/// Hands the calls of `[from, to)` for which feedback counts to `each`, newest first, until it says false: composition,
/// and whether a session or a user is known.
pub fn heard(
    db: &Connection,
    from: Millis,
    to: Millis,
    each: &mut dyn FnMut(u32, bool) -> bool,
) -> Result<()> {
    // Feedback is rare: it leads to the calls, not the other way round.
    let mut statement = db.prepare_cached(
        "SELECT f.at, f.id, c.body FROM feedback_call f CROSS JOIN call c ON c.at = f.at AND c.id = f.id
         WHERE f.at >= ? AND f.at < ? ORDER BY f.at DESC, f.id DESC",
    )?;
    let mut rows = statement.query(params![from, to])?;
    let mut last: Option<(Millis, Vec<u8>)> = None;
    while let Some(row) = rows.next()? {
        let call = (row.get(0)?, row.get(1)?);
        // A call may have several pieces of feedback.
        if last.as_ref() == Some(&call) {
            continue;
        }
        last = Some(call);
        let body = Body::unpack(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        if !each(body.composition, body.session.is_some() || body.user.is_some()) {
            break;
        }
    }
    Ok(())
}

/// Hands the deltas of the calls that began in `[from, to)`, and of their signals, to `fold`.
pub fn deltas(db: &Connection, from: Millis, to: Millis, fold: &mut dyn FnMut(&Delta)) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT at, body FROM call WHERE at >= ? AND at < ?")?;
    let mut rows = statement.query(params![from, to])?;
    while let Some(row) = rows.next()? {
        let body = Body::unpack(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        fold(&Delta {
            sign: 1,
            hour: super::cells::hour_of(row.get(0)?)?,
            composition: body.composition,
            model: body.model,
            change: Change::Call(body.facts()),
        });
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, c.at, k.body FROM feedback_call c JOIN feedback f ON f.seq = c.feedback
         JOIN call k ON k.at = c.at AND k.id = c.id WHERE c.at >= ? AND c.at < ?",
        feedback::COLUMNS
    ))?;
    let mut rows = statement.query(params![from, to])?;
    while let Some(row) = rows.next()? {
        let (_, feedback) = feedback::read(row)?;
        let body = Body::unpack(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?;
        if let Some(signal) = feedback.signal {
            fold(&Delta {
                sign: 1,
                hour: super::cells::hour_of(row.get(8)?)?,
                composition: body.composition,
                model: body.model,
                change: Change::Signal(feedback.source, signal),
            });
        }
    }
    Ok(())
}

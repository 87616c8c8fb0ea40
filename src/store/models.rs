//! Prices and model cards at rest: dated price rows with their tiers, and what is known of each model.
//!
//! Every function speaks over the caller's connection and within the caller's transaction. Start with [`import`].

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::domain::model::{Day, Model, ModelCard, PicoUsd, Price, PriceRow, Tariff, Tier};

/// The tables. Prices in 10⁻¹² US dollars per token, days since 1970-01-01.
pub const SCHEMA: &str = "
CREATE TABLE model_price (
    provider TEXT NOT NULL, model TEXT NOT NULL, from_day INTEGER NOT NULL,
    above INTEGER NOT NULL, -- 0: the ordinary tariff; else that of calls with more input tokens
    input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER, cache_write INTEGER,
    source TEXT NOT NULL,
    PRIMARY KEY (provider, model, from_day, above)
) STRICT, WITHOUT ROWID;
CREATE TABLE model_card (
    provider TEXT NOT NULL, model TEXT NOT NULL,
    max_input INTEGER, max_output INTEGER, deprecated INTEGER, as_of INTEGER NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE model_capability (
    provider TEXT NOT NULL, model TEXT NOT NULL, capability TEXT NOT NULL, supported INTEGER NOT NULL,
    PRIMARY KEY (provider, model, capability)
) STRICT, WITHOUT ROWID;
";

/// What an import changed. Importing the same table again changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Prices of a model and day that were not known.
    pub added: usize,
    /// Prices of a known model and day that now differ.
    pub changed: usize,
    /// Prices that were known already.
    pub unchanged: usize,
    /// Model cards written; cards older than the one kept are passed over.
    pub cards: usize,
}

/// Takes prices and cards in. A price of the same model and day replaces the one before.
pub fn import(conn: &Connection, prices: &[PriceRow], cards: &[ModelCard]) -> Result<Imported> {
    let mut done = Imported::default();
    let mut known = conn.prepare_cached(
        "SELECT above, input, output, cache_read, cache_write, source FROM model_price
         WHERE provider = ?1 AND model = ?2 AND from_day = ?3 ORDER BY above",
    )?;
    let mut delete =
        conn.prepare_cached("DELETE FROM model_price WHERE provider = ?1 AND model = ?2 AND from_day = ?3")?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO model_price (provider, model, from_day, above, input, output, cache_read, cache_write, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in prices {
        let (provider, model, day) = (&row.model.provider, &row.model.id, row.from.0);
        let wanted = tariffs(&row.price);
        let found: Vec<(u32, Tariff, String)> = known
            .query_map(params![provider, model, day], |sql| Ok((sql.get(0)?, tariff(sql, 1)?, sql.get(5)?)))?
            .collect::<Result<_>>()?;
        let same = found.iter().map(|(above, tariff, _)| (*above, *tariff)).eq(wanted.iter().copied());
        if same && found.iter().all(|(_, _, source)| *source == row.source) {
            done.unchanged += 1;
            continue;
        }
        match (found.is_empty(), same) {
            (true, _) => done.added += 1,
            (_, false) => done.changed += 1,
            (_, true) => done.unchanged += 1,
        }
        delete.execute(params![provider, model, day])?;
        for (above, tariff) in wanted {
            insert.execute(params![
                provider,
                model,
                day,
                above,
                pico(tariff.input),
                pico(tariff.output),
                tariff.cache_read.map(pico),
                tariff.cache_write.map(pico),
                row.source,
            ])?;
        }
    }
    for card in cards {
        done.cards += usize::from(put_card(conn, card)?);
    }
    Ok(done)
}

fn put_card(conn: &Connection, card: &ModelCard) -> Result<bool> {
    let (provider, model) = (&card.model.provider, &card.model.id);
    let known: Option<i32> = conn
        .prepare_cached("SELECT as_of FROM model_card WHERE provider = ?1 AND model = ?2")?
        .query_row(params![provider, model], |sql| sql.get(0))
        .optional()?;
    if known.is_some_and(|as_of| as_of > card.as_of.0) {
        return Ok(false);
    }
    conn.prepare_cached(
        "INSERT OR REPLACE INTO model_card (provider, model, max_input, max_output, deprecated, as_of, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        provider,
        model,
        card.max_input_tokens,
        card.max_output_tokens,
        card.deprecated.map(|day| day.0),
        card.as_of.0,
        card.source,
    ])?;
    conn.prepare_cached("DELETE FROM model_capability WHERE provider = ?1 AND model = ?2")?
        .execute(params![provider, model])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO model_capability (provider, model, capability, supported) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (capability, supported) in card.capabilities.known() {
        insert.execute(params![provider, model, capability.as_str(), supported])?;
    }
    Ok(true)
}

/// The ordinary tariff as tier 0, then the tiers.
fn tariffs(price: &Price) -> Vec<(u32, Tariff)> {
    let tiers = price.tiers.iter().filter(|tier| tier.above > 0).map(|tier| (tier.above, tier.tariff));
    std::iter::once((0, price.base)).chain(tiers).collect()
}

/// At most [`PicoUsd::MAX`], so far inside an `i64`.
fn pico(price: PicoUsd) -> i64 {
    price.0 as i64
}

fn tariff(sql: &rusqlite::Row<'_>, at: usize) -> Result<Tariff> {
    let price = |i: usize, pico: i64| {
        u64::try_from(pico).map(PicoUsd).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(i, pico))
    };
    let optional = |i: usize| sql.get::<_, Option<i64>>(i)?.map(|pico| price(i, pico)).transpose();
    Ok(Tariff {
        input: price(at, sql.get(at)?)?,
        output: price(at + 1, sql.get(at + 1)?)?,
        cache_read: optional(at + 2)?,
        cache_write: optional(at + 3)?,
    })
}

/// All prices, by provider, model and day. Empty where nothing was imported.
pub fn prices(conn: &Connection) -> Result<Vec<PriceRow>> {
    let mut select = conn.prepare_cached(
        "SELECT provider, model, from_day, above, input, output, cache_read, cache_write, source
         FROM model_price ORDER BY provider, model, from_day, above",
    )?;
    let mut rows: Vec<PriceRow> = Vec::new();
    let mut sql = select.query([])?;
    while let Some(sql) = sql.next()? {
        let (above, tariff) = (sql.get(3)?, tariff(sql, 4)?);
        let model = Model { provider: sql.get(0)?, id: sql.get(1)? };
        let from = Day(sql.get(2)?);
        match rows.last_mut() {
            Some(last) if above > 0 && last.model == model && last.from == from => {
                last.price.tiers.push(Tier { above, tariff });
            }
            _ => rows.push(PriceRow {
                model,
                from,
                price: Price { base: tariff, tiers: vec![] },
                source: sql.get(8)?,
            }),
        }
    }
    Ok(rows)
}

/// All model cards, by provider and model.
pub fn cards(conn: &Connection) -> Result<Vec<ModelCard>> {
    let mut select = conn.prepare_cached(
        "SELECT provider, model, max_input, max_output, deprecated, as_of, source FROM model_card",
    )?;
    let mut cards: BTreeMap<(String, String), ModelCard> = BTreeMap::new();
    let mut sql = select.query([])?;
    while let Some(sql) = sql.next()? {
        let model = Model { provider: sql.get(0)?, id: sql.get(1)? };
        let key = (model.provider.clone(), model.id.clone());
        let card = ModelCard {
            model,
            capabilities: crate::domain::model::Capabilities::default(),
            max_input_tokens: sql.get(2)?,
            max_output_tokens: sql.get(3)?,
            deprecated: sql.get::<_, Option<i32>>(4)?.map(Day),
            as_of: Day(sql.get(5)?),
            source: sql.get(6)?,
        };
        cards.insert(key, card);
    }
    let mut select =
        conn.prepare_cached("SELECT provider, model, capability, supported FROM model_capability")?;
    let mut sql = select.query([])?;
    while let Some(sql) = sql.next()? {
        // A word that this build does not know was written by a newer one.
        let word: String = sql.get(2)?;
        if let (Some(card), Ok(capability)) = (cards.get_mut(&(sql.get(0)?, sql.get(1)?)), word.parse()) {
            card.capabilities.set(capability, Some(sql.get(3)?));
        }
    }
    Ok(cards.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Capabilities, Capability, Support};

    fn open() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(SCHEMA).unwrap();
        conn
    }

    fn row(day: i32, usd: f64, tiers: &[u32]) -> PriceRow {
        let tariff = Tariff {
            input: PicoUsd::per_million(usd).unwrap(),
            output: PicoUsd::MAX,
            cache_read: None,
            cache_write: PicoUsd::per_million(0.01875),
        };
        PriceRow {
            model: Model { id: "m".into(), provider: "p".into() },
            from: Day(day),
            price: Price { base: tariff, tiers: tiers.iter().map(|&above| Tier { above, tariff }).collect() },
            source: "s".into(),
        }
    }

    fn card(as_of: i32, tools: Option<bool>) -> ModelCard {
        let mut capabilities = Capabilities::default();
        capabilities.set(Capability::Tools, tools);
        ModelCard {
            model: Model { id: "m".into(), provider: "p".into() },
            capabilities,
            max_input_tokens: Some(128_000),
            max_output_tokens: None,
            deprecated: Some(Day(9)),
            as_of: Day(as_of),
            source: "s".into(),
        }
    }

    #[test]
    fn what_goes_in_comes_out_and_twice_is_once() {
        let conn = open();
        let rows = [row(1, 3.0, &[]), row(5, 2.5, &[128_000, 200_000])];
        let cards_in = [card(5, Some(true))];
        let first = import(&conn, &rows, &cards_in).unwrap();
        assert_eq!(first, Imported { added: 2, cards: 1, ..Imported::default() });
        assert_eq!(prices(&conn).unwrap(), rows);
        assert_eq!(cards(&conn).unwrap(), cards_in);
        let again = import(&conn, &rows, &cards_in).unwrap();
        assert_eq!(again, Imported { unchanged: 2, cards: 1, ..Imported::default() });
        assert_eq!(prices(&conn).unwrap(), rows);

        let corrected = [row(5, 2.0, &[200_000])];
        assert_eq!(import(&conn, &corrected, &[]).unwrap().changed, 1);
        assert_eq!(prices(&conn).unwrap(), [rows[0].clone(), corrected[0].clone()]);
    }

    #[test]
    fn an_older_card_does_not_replace_a_newer_one() {
        let conn = open();
        import(&conn, &[], &[card(5, Some(true))]).unwrap();
        assert_eq!(import(&conn, &[], &[card(4, Some(false))]).unwrap().cards, 0);
        assert_eq!(cards(&conn).unwrap()[0].capabilities.get(Capability::Tools), Support::Yes);
        import(&conn, &[], &[card(6, None)]).unwrap();
        assert_eq!(cards(&conn).unwrap()[0].capabilities.get(Capability::Tools), Support::Unknown);
    }
}

//! From a hash to the places that have it, written in order only: a random index on disk would cost a page for each
//! entry. Two are kept: names to the place of the calls that have them (by which feedback, and a person who holds an
//! id, find calls), and traces and links to the rows of span facts.
//!
//! New entries live in memory and in the journal; when the journal is folded they become a *segment*: the upper 40
//! bits of each hash, sorted, with the place, in buckets of about a hundred, and a Bloom filter that says "not here"
//! without a read. Eight segments of a tier are merged into one of the next. A hit is a candidate: the row found there
//! says whether it is meant, so a truncated hash costs a look, never an answer.

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::body::{put, take};
use crate::store::fault::Result;

/// Where an entry points: the place of a call, or the number of a row of facts.
pub type Place = i64;

/// The statements of one index.
#[derive(Debug)]
pub struct Tables {
    list: &'static str,
    list_with_bloom: &'static str,
    bucket: &'static str,
    buckets: &'static str,
    old: &'static str,
    drop_buckets: &'static str,
    drop_segment: &'static str,
    insert_segment: &'static str,
    insert_bucket: &'static str,
}

macro_rules! tables {
    ($segment:literal, $bucket:literal) => {
        Tables {
            list: concat!("SELECT id, tier, bits, first, x'' FROM ", $segment, " ORDER BY id"),
            list_with_bloom: concat!("SELECT id, tier, bits, first, bloom FROM ", $segment, " ORDER BY id"),
            bucket: concat!("SELECT entries FROM ", $bucket, " WHERE slot = ?"),
            buckets: concat!("SELECT entries FROM ", $bucket, " WHERE slot >= ? AND slot < ?"),
            old: concat!("SELECT id FROM ", $segment, " WHERE last < ?"),
            drop_buckets: concat!("DELETE FROM ", $bucket, " WHERE slot >= ? AND slot < ?"),
            drop_segment: concat!("DELETE FROM ", $segment, " WHERE id = ?"),
            insert_segment: concat!(
                "INSERT INTO ",
                $segment,
                " (tier, entries, bits, first, last, bloom) VALUES (?,?,?,?,?,?)"
            ),
            insert_bucket: concat!("INSERT INTO ", $bucket, " VALUES (?, ?)"),
        }
    };
}

/// Names to places of calls.
pub const CALLS: Tables = tables!("alias_segment", "alias_bucket");
/// Traces and links to rows of facts.
pub const FACTS: Tables = tables!("fact_segment", "fact_bucket");

/// Entries that are not in a segment yet.
#[derive(Debug, Default)]
pub struct Fresh {
    at: FxHashMap<u64, Places>,
    len: usize,
}

#[derive(Debug)]
enum Places {
    One(Place),
    Many(Vec<Place>),
}

impl Fresh {
    /// Adds an entry.
    pub fn add(&mut self, alias: u64, at: Place) {
        self.len += 1;
        match self.at.entry(alias) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(Places::One(at));
            }
            std::collections::hash_map::Entry::Occupied(mut slot) => match slot.get_mut() {
                Places::One(known) if *known == at => {}
                Places::One(known) => {
                    let both = vec![*known, at];
                    slot.insert(Places::Many(both));
                }
                // Repeats that are not neighbours are cheaper sorted out later than looked for here.
                Places::Many(known) if known.last() == Some(&at) => {}
                Places::Many(known) => known.push(at),
            },
        }
    }

    /// The places of a hash.
    pub fn find(&self, alias: u64) -> &[Place] {
        match self.at.get(&alias) {
            None => &[],
            Some(Places::One(at)) => std::slice::from_ref(at),
            Some(Places::Many(at)) => at,
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.at.clear();
        self.len = 0;
    }

    fn entries(&self) -> Vec<(u64, Place)> {
        let mut entries = Vec::with_capacity(self.len);
        for (&alias, times) in &self.at {
            match times {
                Places::One(at) => entries.push((alias >> DROPPED, *at)),
                Places::Many(all) => entries.extend(all.iter().map(|at| (alias >> DROPPED, *at))),
            }
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

/// Bits of an alias that a segment does not keep.
const DROPPED: u32 = 24;
const KEPT: u32 = 64 - DROPPED;
const BUCKET: usize = 96;
const FAN_IN: usize = 8;

/// What is kept in memory of a segment.
#[derive(Debug)]
pub struct Segment {
    id: i64,
    tier: u32,
    /// Buckets are numbered by this many leading bits.
    bits: u32,
    first: Place,
    bloom: Vec<u8>,
}

/// Reads the segments; `bloom` false leaves their filters out, for a reader that asks once.
pub fn segments(db: &Connection, tables: &Tables, bloom: bool) -> Result<Vec<Segment>> {
    let sql = if bloom { tables.list_with_bloom } else { tables.list };
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| {
        Ok(Segment { id: r.get(0)?, tier: r.get(1)?, bits: r.get(2)?, first: r.get(3)?, bloom: r.get(4)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Adds the places that may have the hash to `found`.
pub fn find(
    db: &Connection,
    tables: &Tables,
    segments: &[Segment],
    alias: u64,
    found: &mut Vec<Place>,
) -> Result<()> {
    let short = alias >> DROPPED;
    for segment in segments {
        if !segment.bloom.is_empty() && !bloom_has(&segment.bloom, short) {
            continue;
        }
        let slot = segment.id << 20 | (short >> (KEPT - segment.bits)) as i64;
        let mut statement = db.prepare_cached(tables.bucket)?;
        let bucket: Option<Vec<u8>> = statement.query_row([slot], |r| r.get(0)).optional()?;
        if let Some(bucket) = bucket {
            read_bucket(&bucket, segment.first, |hash, place| {
                if hash == short && !found.contains(&place) {
                    found.push(place);
                }
                hash <= short
            })?;
        }
    }
    Ok(())
}

/// Turns fresh entries into a segment and merges tiers that are full.
pub fn seal(db: &Connection, tables: &Tables, names: &Fresh) -> Result<()> {
    let entries = names.entries();
    if entries.is_empty() {
        return Ok(());
    }
    // Small segments start low, so that a store fed in drops is merged as well as one fed in floods.
    let tier = entries.len().ilog(FAN_IN);
    write_segment(db, tables, tier, &entries)?;
    loop {
        let all = segments(db, tables, false)?;
        let full =
            all.iter().map(|s| s.tier).find(|tier| all.iter().filter(|s| s.tier == *tier).count() >= FAN_IN);
        let Some(tier) = full else { return Ok(()) };
        let mut merged = Vec::new();
        for segment in all.iter().filter(|s| s.tier == tier) {
            let mut statement = db.prepare_cached(tables.buckets)?;
            let mut rows = statement.query([segment.id << 20, (segment.id + 1) << 20])?;
            while let Some(row) = rows.next()? {
                let bucket: Vec<u8> = row.get(0)?;
                read_bucket(&bucket, segment.first, |hash, place| {
                    merged.push((hash, place));
                    true
                })?;
            }
            drop_segment(db, tables, segment.id)?;
        }
        merged.sort_unstable();
        merged.dedup();
        write_segment(db, tables, tier + 1, &merged)?;
    }
}

/// Drops the segments whose places are all before `at`.
pub fn drop_before(db: &Connection, tables: &Tables, at: Place) -> Result<()> {
    let mut statement = db.prepare_cached(tables.old)?;
    let old: Vec<i64> = statement.query_map([at], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    old.into_iter().try_for_each(|id| drop_segment(db, tables, id))
}

fn drop_segment(db: &Connection, tables: &Tables, id: i64) -> Result<()> {
    db.prepare_cached(tables.drop_buckets)?.execute([id << 20, (id + 1) << 20])?;
    db.prepare_cached(tables.drop_segment)?.execute([id])?;
    Ok(())
}

fn write_segment(db: &Connection, tables: &Tables, tier: u32, entries: &[(u64, Place)]) -> Result<()> {
    let bits = (entries.len() / BUCKET).max(1).ilog2().min(20);
    let first = entries.iter().map(|e| e.1).min().unwrap_or(0);
    let last = entries.iter().map(|e| e.1).max().unwrap_or(0);
    let mut bloom = vec![0u8; (entries.len() * 12 / 512 + 1) * 64];
    for (hash, _) in entries {
        bloom_add(&mut bloom, *hash);
    }
    db.prepare_cached(tables.insert_segment)?.execute(params![
        tier,
        entries.len() as i64,
        bits,
        first,
        last,
        bloom
    ])?;
    let id = db.last_insert_rowid();
    let mut insert = db.prepare_cached(tables.insert_bucket)?;
    for bucket in entries.chunk_by(|a, b| a.0 >> (KEPT - bits) == b.0 >> (KEPT - bits)) {
        let mut bytes = Vec::with_capacity(bucket.len() * 9);
        let mut before = 0;
        for &(hash, at) in bucket {
            put(&mut bytes, hash - before);
            put(&mut bytes, (at - first) as u64);
            before = hash;
        }
        insert.execute(params![id << 20 | (bucket[0].0 >> (KEPT - bits)) as i64, bytes])?;
    }
    Ok(())
}

/// Hands each entry to `each`, by ascending hash, until it says false.
fn read_bucket(mut bytes: &[u8], first: Place, mut each: impl FnMut(u64, Place) -> bool) -> Result<()> {
    let mut hash = 0;
    while !bytes.is_empty() {
        hash = take(&mut bytes)?.wrapping_add(hash);
        if !each(hash, first.wrapping_add(take(&mut bytes)? as i64)) {
            break;
        }
    }
    Ok(())
}

/// A blocked filter: one cache line a name, six bits in it; 12 bits a name give less than 1 % of false hits.
fn bloom_bits(length: usize, hash: u64) -> (usize, [usize; 6]) {
    let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let blocks = length / 64;
    let block = ((u128::from(mixed) * blocks as u128) >> 64) as usize;
    let more = mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (block * 64, [0, 9, 18, 27, 36, 45].map(|shift| (more >> (64 - 9 - shift)) as usize & 511))
}

fn bloom_add(bloom: &mut [u8], hash: u64) {
    let (block, bits) = bloom_bits(bloom.len(), hash);
    for bit in bits {
        bloom[block + bit / 8] |= 1 << (bit % 8);
    }
}

fn bloom_has(bloom: &[u8], hash: u64) -> bool {
    let (block, bits) = bloom_bits(bloom.len(), hash);
    bits.iter().all(|bit| bloom[block + bit / 8] >> (bit % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn sealed_names_are_found_through_all_tiers() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(super::super::SCHEMA).unwrap();
        let alias = |i: u32| xxh3_64(&i.to_le_bytes());
        for round in 0..20u32 {
            let mut names = Fresh::default();
            for i in 0..700 {
                names.add(alias(round * 700 + i), i64::from(round * 700 + i));
            }
            names.add(alias(0), 77);
            seal(&db, &CALLS, &names).unwrap();
        }
        let segments = segments(&db, &CALLS, true).unwrap();
        assert!(segments.len() < 8, "{}", segments.len());
        for i in 1..14_000 {
            let mut found = Vec::new();
            find(&db, &CALLS, &segments, alias(i), &mut found).unwrap();
            assert_eq!(found, [i64::from(i)]);
        }
        let mut found = Vec::new();
        find(&db, &CALLS, &segments, alias(0), &mut found).unwrap();
        found.sort_unstable();
        assert_eq!(found, [0, 77]);
        let misses =
            (20_000..40_000).filter(|i| segments.iter().any(|s| bloom_has(&s.bloom, alias(*i) >> DROPPED)));
        assert!(misses.count() < 1_200);
    }
}

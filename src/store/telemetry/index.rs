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
use crate::store::fault::{Result, StoreError};

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
    seal_segment: &'static str,
    insert_bucket: &'static str,
}

macro_rules! tables {
    ($segment:literal, $bucket:literal) => {
        Tables {
            list: concat!("SELECT id, tier, bits, first, entries, x'' FROM ", $segment, " ORDER BY id"),
            list_with_bloom: concat!(
                "SELECT id, tier, bits, first, entries, bloom FROM ",
                $segment,
                " ORDER BY id"
            ),
            bucket: concat!("SELECT entries FROM ", $bucket, " WHERE slot = ?"),
            buckets: concat!(
                "SELECT slot, entries FROM ",
                $bucket,
                " WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT 1"
            ),
            old: concat!("SELECT id FROM ", $segment, " WHERE last < ?"),
            drop_buckets: concat!("DELETE FROM ", $bucket, " WHERE slot >= ? AND slot < ?"),
            drop_segment: concat!("DELETE FROM ", $segment, " WHERE id = ?"),
            insert_segment: concat!(
                "INSERT INTO ",
                $segment,
                " (tier, entries, bits, first, last, bloom) VALUES (?, 0, ?, ?, 0, x'')"
            ),
            seal_segment: concat!("UPDATE ", $segment, " SET entries = ?, last = ?, bloom = ? WHERE id = ?"),
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
    entries: usize,
    bloom: Vec<u8>,
}

/// Reads the segments; `bloom` false leaves their filters out, for a reader that asks once.
pub fn segments(db: &Connection, tables: &Tables, bloom: bool) -> Result<Vec<Segment>> {
    let sql = if bloom { tables.list_with_bloom } else { tables.list };
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| {
        let entries: i64 = r.get(4)?;
        Ok(Segment {
            id: r.get(0)?,
            tier: r.get(1)?,
            bits: r.get(2)?,
            first: r.get(3)?,
            entries: entries.max(0) as usize,
            bloom: r.get(5)?,
        })
    })?;
    let found: Vec<Segment> = rows.collect::<rusqlite::Result<_>>()?;
    if found.iter().any(|s| s.bits > 20 || s.bloom.len() % 64 != 0) {
        return Err(StoreError::corrupt("a segment of an index has an impossible size"));
    }
    Ok(found)
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

/// Turns fresh entries into a segment and merges tiers that are full; what points before `oldest` is left out of a
/// merge, because nothing is kept there.
pub fn seal(db: &Connection, tables: &Tables, names: &Fresh, oldest: Place) -> Result<()> {
    let entries = names.entries();
    if entries.is_empty() {
        return Ok(());
    }
    // Small segments start low, so that a store fed in drops is merged as well as one fed in floods.
    let tier = entries.len().ilog(FAN_IN);
    let first = entries.iter().map(|e| e.1).min().unwrap_or(0);
    write_segment(db, tables, tier, entries.len(), first, entries.into_iter().map(Ok))?;
    loop {
        let all = segments(db, tables, false)?;
        let full =
            all.iter().map(|s| s.tier).find(|tier| all.iter().filter(|s| s.tier == *tier).count() >= FAN_IN);
        let Some(tier) = full else { return Ok(()) };
        let merged: Vec<&Segment> = all.iter().filter(|s| s.tier == tier).collect();
        let length = merged.iter().map(|s| s.entries).sum();
        let first = merged.iter().map(|s| s.first).min().unwrap_or(0);
        let mut streams = Vec::with_capacity(merged.len());
        for segment in &merged {
            streams.push(Stream::new(db, tables, segment)?);
        }
        let kept = Merge { streams }.filter(|entry| !matches!(entry, Ok((_, place)) if *place < oldest));
        write_segment(db, tables, tier + 1, length, first.max(oldest), kept)?;
        merged.iter().try_for_each(|segment| drop_segment(db, tables, segment.id))?;
    }
}

/// The entries of one segment in order, a bucket at a time.
struct Stream<'s> {
    db: &'s Connection,
    sql: &'static str,
    first: Place,
    /// The next slot to look from, and where the segment's slots end.
    slots: std::ops::Range<i64>,
    bucket: std::vec::IntoIter<(u64, Place)>,
    next: Option<(u64, Place)>,
}

impl<'s> Stream<'s> {
    fn new(db: &'s Connection, tables: &Tables, segment: &Segment) -> Result<Self> {
        let slots = segment.id << 20..(segment.id + 1) << 20;
        let bucket = Vec::new().into_iter();
        let mut stream = Stream { db, sql: tables.buckets, first: segment.first, slots, bucket, next: None };
        stream.advance()?;
        Ok(stream)
    }

    fn advance(&mut self) -> Result<()> {
        loop {
            self.next = self.bucket.next();
            if self.next.is_some() || self.slots.is_empty() {
                return Ok(());
            }
            let mut statement = self.db.prepare_cached(self.sql)?;
            let row: Option<(i64, Vec<u8>)> = statement
                .query_row([self.slots.start, self.slots.end], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()?;
            let Some((slot, bytes)) = row else {
                self.slots.start = self.slots.end;
                continue;
            };
            let mut entries = Vec::with_capacity(2 * BUCKET);
            read_bucket(&bytes, self.first, |hash, place| {
                entries.push((hash, place));
                true
            })?;
            self.slots.start = slot + 1;
            self.bucket = entries.into_iter();
        }
    }
}

/// Several segments as one, in order and each entry once.
struct Merge<'s> {
    streams: Vec<Stream<'s>>,
}

impl Iterator for Merge<'_> {
    type Item = Result<(u64, Place)>;

    fn next(&mut self) -> Option<Self::Item> {
        let least = self.streams.iter().filter_map(|s| s.next).min()?;
        for stream in &mut self.streams {
            while stream.next == Some(least) {
                if let Err(error) = stream.advance() {
                    self.streams.clear();
                    return Some(Err(error));
                }
            }
        }
        Some(Ok(least))
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

/// Writes a segment of at most `length` entries, which come in order and point at or after `first`.
fn write_segment(
    db: &Connection,
    tables: &Tables,
    tier: u32,
    length: usize,
    first: Place,
    entries: impl Iterator<Item = Result<(u64, Place)>>,
) -> Result<()> {
    let bits = (length / BUCKET).max(1).ilog2().min(20);
    db.prepare_cached(tables.insert_segment)?.execute(params![tier, bits, first])?;
    let id = db.last_insert_rowid();
    let mut insert = db.prepare_cached(tables.insert_bucket)?;
    let mut bloom = vec![0u8; (length * 12 / 512 + 1) * 64];
    let (mut count, mut last) = (0_i64, first);
    let (mut bucket, mut bytes, mut before) = (0, Vec::with_capacity(BUCKET * 18), 0);
    for entry in entries {
        let (hash, at) = entry?;
        let own = hash >> (KEPT - bits);
        if own != bucket {
            if !bytes.is_empty() {
                insert.execute(params![id << 20 | bucket as i64, bytes])?;
            }
            bytes.clear();
            (bucket, before) = (own, 0);
        }
        put(&mut bytes, hash - before);
        put(&mut bytes, (at - first) as u64);
        bloom_add(&mut bloom, hash);
        (before, last, count) = (hash, last.max(at), count + 1);
    }
    if !bytes.is_empty() {
        insert.execute(params![id << 20 | bucket as i64, bytes])?;
    }
    db.prepare_cached(tables.seal_segment)?.execute(params![count, last, bloom, id])?;
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
            seal(&db, &CALLS, &names, 0).unwrap();
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

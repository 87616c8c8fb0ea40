//! How a call is packed: its id as the key's second half, everything else in one body of variable-length integers.
//! One row costs a few dozen bytes, and three bound values instead of twenty.

use std::borrow::Cow;

use crate::domain::call::{Call, Millis};
use crate::engine::rollup::CallFacts;
use crate::store::fault::{Result, StoreError};

/// A call with its names replaced by numbers of the dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body<'a> {
    pub composition: u32,
    pub model: u32,
    pub agent: Option<u32>,
    pub ok: bool,
    pub cost_estimated: bool,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    pub cached_tokens: Option<u32>,
    pub estimated_tokens: Option<u32>,
    pub cost: Option<i64>,
    pub duration_us: Option<u64>,
    pub ttft_us: Option<u64>,
    pub error: Option<Cow<'a, str>>,
    pub session: Option<Cow<'a, str>>,
    pub user: Option<Cow<'a, str>>,
    pub aliases: Cow<'a, [u64]>,
}

const OK: u64 = 1;
const ESTIMATED: u64 = 2;

impl<'a> Body<'a> {
    /// The body of `call` with the numbers given; estimated tokens are per call, so they live here and not in the
    /// composition.
    pub fn of(
        call: &'a Call,
        aliases: &'a [u64],
        composition: u32,
        model: u32,
        agent: Option<u32>,
    ) -> Body<'a> {
        Body {
            composition,
            model,
            agent,
            ok: call.ok,
            cost_estimated: call.cost_estimated,
            input_tokens: call.input_tokens,
            output_tokens: call.output_tokens,
            cached_tokens: call.cached_tokens,
            estimated_tokens: call.prompts.as_ref().and_then(|p| p.estimated_tokens),
            cost: call.cost,
            duration_us: call.duration_us,
            ttft_us: call.ttft_us,
            error: call.error.as_deref().map(Cow::Borrowed),
            session: call.session.as_deref().map(Cow::Borrowed),
            user: call.user.as_deref().map(Cow::Borrowed),
            aliases: Cow::Borrowed(aliases),
        }
    }

    /// What the call adds to its cells.
    pub fn facts(&self) -> CallFacts {
        let known = self.input_tokens.is_some() || self.output_tokens.is_some();
        CallFacts {
            ok: self.ok,
            tokens: known.then(|| (self.input_tokens.unwrap_or(0), self.output_tokens.unwrap_or(0))),
            cached: self.cached_tokens.unwrap_or(0),
            cost: self.cost,
            estimated: self.cost_estimated,
            latency_us: self.duration_us,
        }
    }

    /// Appends the packed form to `out`: a word of flags that say which fields follow, then those fields.
    pub fn pack(&self, out: &mut Vec<u8>) {
        let numbers = self.numbers();
        let texts = [&self.error, &self.session, &self.user];
        let mut flags = if self.ok { OK } else { 0 } | if self.cost_estimated { ESTIMATED } else { 0 };
        for (i, number) in numbers.iter().enumerate() {
            flags |= u64::from(number.is_some()) << (2 + i);
        }
        for (i, text) in texts.iter().enumerate() {
            flags |= u64::from(text.is_some()) << (10 + i);
        }
        flags |= u64::from(!self.aliases.is_empty()) << 13;
        put(out, flags);
        put(out, u64::from(self.composition));
        put(out, u64::from(self.model));
        for number in numbers.into_iter().flatten() {
            put(out, number);
        }
        for text in texts.into_iter().flatten() {
            if let Some(packed) = base36(text.as_bytes()) {
                put(out, (text.len() as u64) << 1 | 1);
                out.extend_from_slice(&packed);
            } else {
                put(out, (text.len() as u64) << 1);
                out.extend_from_slice(text.as_bytes());
            }
        }
        if !self.aliases.is_empty() {
            put(out, self.aliases.len() as u64);
            for alias in &*self.aliases {
                out.extend_from_slice(&alias.to_le_bytes());
            }
        }
    }

    /// The same, without borrowing.
    pub fn into_owned(self) -> Body<'static> {
        let owned = |text: Option<Cow<'a, str>>| text.map(|t| Cow::Owned(t.into_owned()));
        Body {
            error: owned(self.error),
            session: owned(self.session),
            user: owned(self.user),
            aliases: Cow::Owned(self.aliases.into_owned()),
            ..self
        }
    }

    fn numbers(&self) -> [Option<u64>; 8] {
        [
            self.input_tokens.map(u64::from),
            self.output_tokens.map(u64::from),
            self.cached_tokens.map(u64::from),
            self.estimated_tokens.map(u64::from),
            self.cost.map(|c| ((c << 1) ^ (c >> 63)) as u64),
            self.duration_us,
            self.ttft_us,
            self.agent.map(u64::from),
        ]
    }

    /// Reads a packed body.
    pub fn unpack(bytes: &'a [u8]) -> Result<Body<'a>> {
        let mut rest = bytes;
        let flags = take(&mut rest)?;
        let composition = narrow(take(&mut rest)?)?;
        let model = narrow(take(&mut rest)?)?;
        let mut numbers = [None; 8];
        for (i, number) in numbers.iter_mut().enumerate() {
            if flags >> (2 + i) & 1 == 1 {
                *number = Some(take(&mut rest)?);
            }
        }
        let mut texts = [None, None, None];
        for (i, text) in texts.iter_mut().enumerate() {
            if flags >> (10 + i) & 1 == 1 {
                let word = take(&mut rest)?;
                let (length, packed) = ((word >> 1) as usize, word & 1 == 1);
                let size = if packed { base36_size(length) } else { length };
                let bytes = rest.split_off(..size).ok_or_else(torn)?;
                *text = Some(if packed {
                    Cow::Owned(from_base36(bytes, length)?)
                } else {
                    Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| torn())?)
                });
            }
        }
        let mut aliases = Vec::new();
        if flags >> 13 & 1 == 1 {
            let count = take(&mut rest)? as usize;
            let bytes = count.checked_mul(8).and_then(|n| rest.split_off(..n)).ok_or_else(torn)?;
            aliases.extend(bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)));
        }
        let [input, output, cached, estimated, cost, duration_us, ttft_us, agent] = numbers;
        let [error, session, user] = texts;
        Ok(Body {
            composition,
            model,
            agent: agent.map(narrow).transpose()?,
            ok: flags & OK != 0,
            cost_estimated: flags & ESTIMATED != 0,
            input_tokens: input.map(narrow).transpose()?,
            output_tokens: output.map(narrow).transpose()?,
            cached_tokens: cached.map(narrow).transpose()?,
            estimated_tokens: estimated.map(narrow).transpose()?,
            cost: cost.map(|c| (c >> 1) as i64 ^ -((c & 1) as i64)),
            duration_us,
            ttft_us,
            error,
            session,
            user,
            aliases: Cow::Owned(aliases),
        })
    }
}

fn torn() -> StoreError {
    StoreError::corrupt("a call's row does not decode")
}

fn narrow(value: u64) -> Result<u32> {
    u32::try_from(value).map_err(|_| torn())
}

/// Appends a variable-length integer (LEB128).
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a variable-length integer from the front of `rest`.
pub fn take(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first().ok_or_else(torn)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(torn())
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Packs a provenance id. ULIDs, UUIDs and hex ids of traces and spans take their binary size, short ids of lower-case
/// letters and digits 5.2 bits a character; any other text is kept as it is. A ULID that carries the call's own time needs only its random part.
pub fn pack_id(id: &str, at: Millis) -> Vec<u8> {
    let text = id.as_bytes();
    let packed = match text.len() {
        26 => ulid(text).map(|value| {
            let bytes = value.to_be_bytes();
            if (value >> 80) as i64 == at { tagged(1, &bytes[6..]) } else { tagged(2, &bytes) }
        }),
        36 => uuid(text).map(|b| tagged(3, &b)),
        49 if text[32] == b'-' => {
            hex(&text[..32]).zip(hex(&text[33..])).map(|(a, b)| tagged(4, &[a, b].concat()))
        }
        32 => hex(text).map(|b| tagged(5, &b)),
        16 => hex(text).map(|b| tagged(6, &b)),
        _ => None,
    };
    packed
        .or_else(|| Some(tagged(BASE36 | text.len() as u8, &base36(text)?)))
        .unwrap_or_else(|| tagged(0, text))
}

/// Marks an id in base 36; its length in characters is in the lower bits.
const BASE36: u8 = 0x40;
/// Longest text in base 36: 36²⁴ < 2¹²⁸.
const BASE36_LONGEST: usize = 24;

/// Bytes that so many characters take.
fn base36_size(length: usize) -> usize {
    // log₂ 36 = 5.1699…; a longer text is not packed, so a length beyond is a torn row that will not be found.
    (length.min(BASE36_LONGEST + 1) * 51_700).div_ceil(80_000)
}

fn base36(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > BASE36_LONGEST {
        return None;
    }
    let mut value = 0u128;
    // Twelve digits fit into 64 bits, where multiplication is cheap.
    for part in text.chunks(12) {
        let (mut low, mut scale) = (0u64, 1u64);
        for c in part {
            let digit = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'z' => c - b'a' + 10,
                _ => return None,
            };
            low = low * 36 + u64::from(digit);
            scale *= 36;
        }
        value = value * u128::from(scale) + u128::from(low);
    }
    Some(value.to_le_bytes()[..base36_size(text.len())].to_vec())
}

fn from_base36(bytes: &[u8], length: usize) -> Result<String> {
    if length > BASE36_LONGEST || bytes.len() != base36_size(length) {
        return Err(torn());
    }
    let mut wide = [0; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    let mut value = u128::from_le_bytes(wide);
    let mut text = vec![0; length];
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(value % 36) as usize];
        value /= 36;
    }
    String::from_utf8(text).map_err(|_| torn())
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(tag);
    out.extend_from_slice(bytes);
    out
}

/// The id that [`pack_id`] packed.
pub fn unpack_id(packed: &[u8], at: Millis) -> Result<String> {
    let (&tag, rest) = packed.split_first().ok_or_else(torn)?;
    match tag {
        0 => String::from_utf8(rest.to_vec()).map_err(|_| torn()),
        1 | 2 => {
            let mut bytes = [0; 16];
            if tag == 1 {
                bytes[..6].copy_from_slice(&(at as u64).to_be_bytes()[2..]);
            }
            let from = 16 - rest.len().min(16);
            bytes[from..].copy_from_slice(rest.get(..16 - from).ok_or_else(torn)?);
            let value = u128::from_be_bytes(bytes);
            Ok((0..26).rev().map(|i| CROCKFORD[(value >> (5 * i) & 31) as usize] as char).collect())
        }
        3 => {
            let h = to_hex(rest);
            if h.len() != 32 {
                return Err(torn());
            }
            Ok(format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..]))
        }
        4 if rest.len() == 24 => Ok(format!("{}-{}", to_hex(&rest[..16]), to_hex(&rest[16..]))),
        5 | 6 => Ok(to_hex(rest)),
        tag if tag & BASE36 != 0 => from_base36(rest, usize::from(tag & !BASE36)),
        _ => Err(torn()),
    }
}

fn ulid(text: &[u8]) -> Option<u128> {
    if text[0] > b'7' {
        return None;
    }
    text.iter().try_fold(0u128, |value, c| {
        let digit = CROCKFORD.iter().position(|d| d == c)?;
        Some(value << 5 | digit as u128)
    })
}

fn uuid(text: &[u8]) -> Option<Vec<u8>> {
    if ![8, 13, 18, 23].iter().all(|&i| text[i] == b'-') {
        return None;
    }
    let digits: Vec<u8> = text.iter().copied().filter(|&c| c != b'-').collect();
    (digits.len() == 32).then(|| hex(&digits))?
}

/// Lower-case hex only, so that unpacking gives the same text.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    text.as_chunks::<2>().0.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?)).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(b"0123456789abcdef"[d as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_take_their_binary_size() {
        let at = 0x0193_5a2b_3c4d;
        for (id, size) in [
            ("01JDD2PF2D0123456789ABCDEF", 11),
            ("01JDD2PF2E0123456789ABCDEF", 17),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 17),
            ("c47dc93ce42f5a65fa3fa3951954d3c7-087f839436e608b3", 25),
            ("c47dc93ce42f5a65fa3fa3951954d3c7", 17),
            ("087f839436e608b3", 9),
            ("087F839436E608B3", 17),
            ("01jdd2pf2d0123456789abcdef", 27),
            ("jhf4rrfr2xbs", 9),
            ("tz4a98xxat96iws9zmbrgj3a", 17),
            ("0", 2),
            ("", 1),
            ("c-1", 4),
        ] {
            let packed = pack_id(id, at);
            assert_eq!(unpack_id(&packed, at).unwrap(), id);
            assert_eq!(packed.len(), size, "{id}");
        }
    }

    proptest! {
        #[test]
        fn any_id_comes_back(id in "\\PC{0,60}|[0-9A-Z]{26}|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f-]{36}|[0-9a-f]{32}-[0-9a-f]{16}|[0-9a-z]{1,26}|z{1,25}", at in 0i64..1 << 47) {
            prop_assert_eq!(unpack_id(&pack_id(&id, at), at).unwrap(), id);
        }

        #[test]
        fn any_body_comes_back(
            numbers in prop::array::uniform8(prop::option::of(any::<u32>())), cost in prop::option::of(any::<i64>()),
            ok: bool, estimated: bool, text in prop::option::of("\\PC{0,20}|[0-9a-z]{0,26}"), aliases in prop::collection::vec(any::<u64>(), 0..5),
        ) {
            let body = Body {
                composition: numbers[0].unwrap_or(7), model: 3, agent: numbers[1], ok, cost_estimated: estimated,
                input_tokens: numbers[2], output_tokens: numbers[3], cached_tokens: numbers[4], estimated_tokens: numbers[5],
                cost, duration_us: numbers[6].map(u64::from), ttft_us: numbers[7].map(u64::from),
                error: text.clone().map(Cow::Owned), session: None, user: text.map(Cow::Owned), aliases: aliases.into(),
            };
            let mut packed = Vec::new();
            body.pack(&mut packed);
            prop_assert_eq!(&Body::unpack(&packed).unwrap(), &body);
            for cut in 0..packed.len() {
                let _ = Body::unpack(&packed[..cut]);
            }
        }

        #[test]
        fn noise_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Body::unpack(&bytes);
            let _ = unpack_id(&bytes, 0);
        }
    }
}

//! Ways in which an input can be broken.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by tests, of which each uses some")]

use crate::wire::{fixed, message};
use std::io::Write as _;

use crate::dice::Dice;

/// Values of another type, or beyond every bound.
const WRONG: &[&str] = &[
    "null",
    "true",
    "-1",
    "1e400",
    "-0.0",
    "18446744073709551616",
    "9007199254740993",
    "\"\"",
    "[]",
    "{}",
    "[[]]",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "1.5",
    "\"9999-99-99T99:99:99Z\"",
    "\"-\"",
    "NaN",
    "\"prompt://\"",
    "-9223372036854775809",
];
/// Tokens by which each format is held together.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "---\n",
    "{{",
    "}}",
    "{{#each a}}",
    "{{> x}}",
    "\u{202e}",
    "&a *a",
    "<<: *a",
    "\u{1f}\u{8b}",
    "%",
    "0",
    "e",
    ".",
];

/// `bytes`, broken in one to three ways; rarely left whole.
pub fn mutate(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..dice.below(4) {
        once(dice, &mut bytes, other);
    }
    bytes
}

fn once(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(13) {
        0 => bytes.truncate(at),
        1 => {
            for _ in 0..=dice.below(8) {
                if !bytes.is_empty() {
                    let at = dice.below(bytes.len());
                    bytes[at] ^= 1 << dice.below(8);
                }
            }
        }
        2 => bytes.insert(at, dice.next() as u8),
        3 => {
            let end = bytes.len().min(at + dice.below(60));
            bytes.drain(at..end);
        }
        4 => {
            let end = bytes.len().min(at + dice.below(200));
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => {
            let from = dice.below(other.len());
            let piece = &other[from..other.len().min(from + dice.below(300))];
            bytes.splice(at..at, piece.iter().copied());
        }
        6 => nest(dice, bytes, at),
        7 | 8 => replace_value(dice, bytes),
        9 => {
            // Bytes that are no UTF-8, inside a text if there is one.
            let quote = bytes.iter().skip(at).position(|b| *b == b'"').map_or(at, |i| at + i + 1);
            bytes.splice(
                quote..quote,
                [0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80].into_iter().take(1 + dice.below(6)),
            );
        }
        10 => {
            let token = dice.one(TOKENS).repeat(1 + dice.below(3));
            bytes.splice(at..at, token.bytes());
        }
        11 => match dice.below(12) {
            0 => bytes.clear(),
            1 => *bytes = (0..dice.below(400)).map(|_| dice.next() as u8).collect(),
            2 => bytes.splice(at..at, b"x".repeat(1 + dice.below(200_000))).for_each(drop),
            _ => bytes.reverse(),
        },
        _ => {
            // A length or a number made extreme.
            if let Some(i) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|i| at + i) {
                let digits = "9".repeat(1 + dice.below(400));
                bytes.splice(i..=i, digits.bytes());
            } else if at < bytes.len() {
                bytes[at] = *dice.one(&[0x7f, 0x80, 0xff, 0x00]);
            }
        }
    }
}

/// Opens much, and closes it or not.
fn nest(dice: &mut Dice, bytes: &mut Vec<u8>, at: usize) {
    let (open, close) = *dice.one(&[
        ("[", "]"),
        ("{\"a\":", "}"),
        ("{\"arrayValue\":{\"values\":[", "]}}"),
        ("{{#if a}}", "{{/if}}"),
        ("- ", ""),
        ("\x0a\x7f", ""),
    ]);
    let depth = *dice.one(&[3, 40, 130, 1_000, 20_000]);
    let mut nested = open.repeat(depth);
    if dice.below(2) == 0 {
        nested.push('0');
        nested.push_str(&close.repeat(depth));
    }
    bytes.splice(at..at, nested.bytes());
}

/// Puts something wrong in the place of a JSON value.
fn replace_value(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let colons: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b':').map(|(i, _)| i + 1).collect();
    if colons.is_empty() {
        return;
    }
    let start = *dice.one(&colons);
    let mut in_text = false;
    let length = bytes[start..]
        .iter()
        .take_while(|b| {
            in_text ^= **b == b'"';
            in_text || !matches!(**b, b',' | b'}' | b']' | b'\n')
        })
        .count();
    bytes.splice(start..start + length, dice.one(WRONG).bytes());
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An OTLP protobuf body of `spans` chats.
pub fn protobuf_body(spans: u8) -> Vec<u8> {
    let text = |key: &str, value: &str| {
        message(9, &[message(1, key.as_bytes()), message(2, &message(1, value.as_bytes()))].concat())
    };
    let count = |key: &str, value: u8| {
        message(9, &[message(1, key.as_bytes()), message(2, &[3 << 3, value])].concat())
    };
    let mut all = Vec::new();
    for i in 0..spans {
        let span = [
            message(1, &[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, i]),
            message(2, &[1, 1, 1, 1, 1, 1, 1, i + 1]),
            message(5, b"chat gpt-4o"),
            fixed(7, 1_795_000_000_000_000_000),
            fixed(8, 1_795_000_001_000_000_000),
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", "gpt-4o"),
            text("gen_ai.prompt.name", "legal.contract-analysis"),
            count("gen_ai.usage.input_tokens", 100),
            count("gen_ai.usage.output_tokens", 20),
        ];
        all.extend(message(2, &span.concat()));
    }
    message(1, &message(2, &all))
}

//! How deep a template nests, found without recursion, before the parser (which recurses) is let near it. Knows where
//! `{{…}}` begin and end, and nothing of what they mean.
//!
//! The bound must hold for hostile text: whatever would make this reader and the parser disagree about where a tag ends
//! (lists, maps and raw blocks inside of tags, none of which a prompt needs) is refused.

/// Deepest nesting of blocks.
pub const MAX_DEPTH: usize = 32;
/// Most brackets in one tag.
const MAX_BRACKETS: usize = 16;

/// Why a template was refused, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbounded {
    /// Byte offset in the template.
    pub at: usize,
    /// What is wrong, as a clause.
    pub what: &'static str,
    /// What to do.
    pub next: &'static str,
}

/// Refuses a template whose tags nest deeper than [`MAX_DEPTH`], or cannot be told to.
pub fn check(text: &str) -> Result<(), Unbounded> {
    let bytes = text.as_bytes();
    // One entry for each open block: the levels it holds. Each `else if` is a block within the one before.
    let (mut at, mut depth, mut blocks) = (0, 0_usize, Vec::new());
    while let Some(found) = text[at..].find("{{") {
        let open = at + found;
        // `\{{` is literal; `\\{{` is a backslash and a tag.
        let backslashes = bytes[..open].iter().rev().take_while(|b| **b == b'\\').count();
        if backslashes == 1 {
            at = open + if text[open..].starts_with("{{{{") { 4 } else { 2 };
            continue;
        }
        let refuse = |what, next| Err(Unbounded { at: open, what, next });
        if text[open..].starts_with("{{{{") {
            return refuse("a raw block `{{{{`", "write `\\{{` for literal braces");
        }
        let inside = open + if text[open..].starts_with("{{{") { 3 } else { 2 };
        let tag = text[inside..].trim_start_matches('~');
        if let Some(comment) = tag.strip_prefix('!') {
            let dashed = comment.strip_prefix("--").and_then(|rest| rest.find("--}}").map(|i| i + 4));
            let plain = comment.find("}}").map(|i| i + 2);
            let Some(length) = dashed.map(|i| i + 2).or(plain) else { return Ok(()) };
            at = text.len() - comment.len() + length;
            continue;
        }
        let tag = tag.trim_start_matches(|c: char| c == '~' || c.is_whitespace());
        if tag.starts_with('#') {
            depth += 1;
            blocks.push(1);
        } else if tag.starts_with('/') {
            depth -= blocks.pop().unwrap_or(0);
        } else if let Some(chained) = tag.strip_prefix("else").or(tag.strip_prefix('^'))
            && chained.trim_start().starts_with(|c: char| c != '}' && c != '~')
            && let Some(levels) = blocks.last_mut()
        {
            depth += 1;
            *levels += 1;
        }
        if depth > MAX_DEPTH {
            return refuse("blocks nest too deeply", "split the prompt");
        }
        at = match end_of_tag(text, inside) {
            Ok(end) => end,
            Err((what, next)) => return refuse(what, next),
        };
    }
    Ok(())
}

/// The byte after the tag whose inside begins at `inside`.
fn end_of_tag(text: &str, inside: usize) -> Result<usize, (&'static str, &'static str)> {
    let bytes = text.as_bytes();
    let (mut at, mut brackets) = (inside, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok(at + 2),
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'(' => {
                brackets += 1;
                if brackets > MAX_BRACKETS {
                    return Err(("too many brackets in one expression", "compute the value before the call"));
                }
            }
            b'[' | b'{' => return Err(("a list or map inside of an expression", "pass it as a variable")),
            _ => {}
        }
        at += 1;
    }
    // No end: the parser will say so, at this tag.
    Ok(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_comments_do_not_count() {
        let nested = |n: usize| format!("{}x{}", "{{#if a}}".repeat(n), "{{/if}}".repeat(n));
        assert!(check(&nested(MAX_DEPTH)).is_ok());
        assert!(check(&nested(MAX_DEPTH + 1)).is_err());
        assert!(check(&"{{#if a}}x{{/if}}".repeat(1000)).is_ok());
        assert!(check(&"{{#if a}}{{! {{/if}} }}".repeat(MAX_DEPTH + 1)).is_err());
        assert!(check(&"{{#if a}}{{!-- }} {{/if}} --}}".repeat(MAX_DEPTH + 1)).is_err());
        assert!(check(&"{{#if a}}\\{{/if}}".repeat(MAX_DEPTH + 1)).is_err());
        assert!(check(&"{{#if a}}{{json \"{{/if}}\"}}".repeat(MAX_DEPTH + 1)).is_err());
        assert!(check(&"{{#if a}}{{json [\"]}}{{/if}}\"]}}".repeat(2)).is_err());
        assert!(check(&format!("{{{{json {}", "(a ".repeat(99))).is_err());
        assert!(check("{{{{raw}}}}").is_err());
        assert!(check(&format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(99))).is_err());
        assert!(check(&"{{#if a}}{{else}}{{/if}}{{#if a}}{{else if b}}{{/if}}".repeat(99)).is_ok());
        assert!(check("\\{{{{\" {{a}}").is_ok());
        assert!(check("\\\\{{a}} \\{{ {{").is_ok());
    }
}

//! Cuts captured bodies of traces into bodies of one span each, so that what a client sent together can arrive apart.
#![allow(clippy::unwrap_used, reason = "shared by tests")]

use crate::wire::message;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Writes the body at `path` into `folder` as captures of one span each; a body of something else is written as it is.
pub fn spans(path: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut headers: Value =
        serde_json::from_slice(&std::fs::read(path.with_extension("headers.json")).unwrap()).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let mut bodies = vec![bytes.clone()];
    if stem.ends_with("_traces") {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
            headers["headers"]
                .as_object_mut()
                .unwrap()
                .retain(|name, _| !name.eq_ignore_ascii_case("content-encoding"));
        }
        bodies = if bytes.starts_with(b"{") { of_json(&bytes) } else { of_protobuf(&bytes) };
    }
    let written = bodies.into_iter().enumerate().map(|(i, body)| {
        let path = folder.join(format!("{stem}_{i:03}.body"));
        std::fs::write(&path, body).unwrap();
        std::fs::write(path.with_extension("headers.json"), headers.to_string()).unwrap();
        path
    });
    written.collect()
}

fn of_json(bytes: &[u8]) -> Vec<Vec<u8>> {
    let body: Value = serde_json::from_slice(bytes).unwrap();
    let mut bodies = Vec::new();
    for resource in body["resourceSpans"].as_array().unwrap() {
        for scope in resource["scopeSpans"].as_array().unwrap() {
            for span in scope["spans"].as_array().unwrap() {
                let (mut resource, mut scope) = (resource.clone(), scope.clone());
                scope["spans"] = json!([span]);
                resource["scopeSpans"] = json!([scope]);
                bodies.push(json!({"resourceSpans": [resource]}).to_string().into_bytes());
            }
        }
    }
    bodies
}

/// `TracesData.resource_spans` = 1, `ResourceSpans.scope_spans` = 2, `ScopeSpans.spans` = 2.
fn of_protobuf(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let (resources, _) = fields(bytes, 1);
    for resource in resources {
        let (scopes, of_resource) = fields(resource, 2);
        for scope in scopes {
            let (spans, of_scope) = fields(scope, 2);
            for span in spans {
                let scope = [of_scope.clone(), message(2, span)].concat();
                bodies.push(message(1, &[of_resource.clone(), message(2, &scope)].concat()));
            }
        }
    }
    bodies
}

/// The contents of the fields of this number, and all other fields as they stand. All are length-delimited.
fn fields(mut bytes: &[u8], number: u8) -> (Vec<&[u8]>, Vec<u8>) {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    while let [tag, rest @ ..] = bytes {
        assert_eq!(tag & 7, 2, "these messages hold nothing else");
        let (mut length, mut used) = (0_usize, 0);
        loop {
            length |= usize::from(rest[used] & 0x7f) << (7 * used);
            used += 1;
            if rest[used - 1] < 0x80 {
                break;
            }
        }
        let (content, end) = (&rest[used..used + length], 1 + used + length);
        if tag >> 3 == number {
            found.push(content);
        } else {
            others.extend_from_slice(&bytes[..end]);
        }
        bytes = &bytes[end..];
    }
    (found, others)
}

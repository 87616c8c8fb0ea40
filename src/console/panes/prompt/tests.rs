use std::sync::Arc;

use proptest::prelude::*;

use super::super::synthetic::{SIZES, world};
use crate::console::harness::{Answers, Harness};
use crate::console::message::Fault;
use crate::console::query::{Query, Reply};
use crate::service::live::{CallPage, PromptPage, TrendPoint};

fn open(size: (u16, u16)) -> Harness {
    let mut console = Harness::new(size, world(12));
    console.keys("<enter>");
    console
}

#[test]
fn looks() {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("trends_{width}x{height}"), open((width, height)).screen());
    }
    for (keys, section) in [("v", "parts"), ("vv", "text"), ("vvv", "history"), ("vvvv", "calls")] {
        insta::assert_snapshot!(format!("{section}_80x24"), open((80, 24)).keys(keys).screen());
    }
    insta::assert_snapshot!("calls_120x40", open((120, 40)).keys("Vj").screen());
}

#[test]
fn what_a_version_changed_is_shown() {
    for (width, height) in SIZES {
        let mut console = open((width, height));
        console.keys("c<enter>");
        insta::assert_snapshot!(format!("compare_{width}x{height}"), console.screen());
    }
    let mut console = open((120, 40));
    console.keys("c");
    assert!(console.text().contains("2.1.0 against 2.0.0"), "{}", console.text());
    console.keys("<enter>");
    assert!(
        console.text().contains("change 1 of 1") && console.text().contains("unchanged"),
        "{}",
        console.text()
    );
    // More of what did not change, and both texts one below the other.
    console.keys("zz\\\\");
    assert!(!console.text().contains("unchanged"), "{}", console.text());
    console.keys("y");
    let copied = console.effects.iter().rev().find_map(|effect| match effect {
        crate::console::message::Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert!(copied.unwrap().contains("+Be brief."));
    assert!(!console.keys("<esc>").text().contains("change 1 of 1"), "{}", console.text());
    let fault = Fault::new("the store cannot be read (I/O error)");
    for (state, answer) in [("loading", None), ("error", Some(Err(fault)))] {
        for (width, height) in SIZES {
            let (mut rest, answer) = (world(12), answer.clone());
            let answers: Answers = Box::new(move |query| match query {
                Query::Compare(..) => answer.clone(),
                query => rest(query),
            });
            let mut console = Harness::new((width, height), answers);
            console.keys("<enter>c<enter>");
            insta::assert_snapshot!(format!("compare_{state}_{width}x{height}"), console.screen());
        }
    }
    // A prompt that is published once, or nowhere, has nothing to compare.
    let [.., (_, bare)] = states();
    let mut console = Harness::new((120, 40), bare);
    assert!(console.keys("<enter>c").text().contains("no two published versions"), "{}", console.text());
}

/// What is answered of a prompt: nothing, a fault, a page without anything on it.
fn states() -> [(&'static str, Answers); 3] {
    let fault = Fault::new("the store cannot be read (I/O error)");
    let instead = |answer: Option<Result<Reply, Fault>>| -> Answers {
        let mut rest = world(12);
        Box::new(move |query| match query {
            Query::Prompt(..) => answer.clone(),
            query => rest(query),
        })
    };
    let mut full = world(12);
    let bare: Answers = Box::new(move |query| {
        let answer = full(query)?;
        Some(answer.map(|reply| match reply {
            Reply::Prompt(page) => {
                let mut page = PromptPage::clone(&page);
                (page.history, page.health, page.versions) = (vec![], vec![], vec![]);
                (page.text, page.description, page.active) = (String::new(), None, None);
                page.trend.points.iter_mut().for_each(|point| *point = TrendPoint::default());
                Reply::Prompt(Arc::new(page))
            }
            Reply::Calls(_) => Reply::Calls(Arc::new(CallPage { lines: vec![], more: false, kept: vec![] })),
            reply => reply,
        }))
    });
    [("loading", instead(None)), ("error", instead(Some(Err(fault)))), ("empty", bare)]
}

#[test]
fn looks_where_there_is_nothing_to_show() {
    for (width, height) in SIZES {
        for (state, answers) in states() {
            let mut console = Harness::new((width, height), answers);
            insta::assert_snapshot!(format!("{state}_{width}x{height}"), console.keys("<enter>").screen());
        }
    }
}

#[test]
fn a_call_is_traced() {
    for (width, height) in SIZES {
        let mut console = open((width, height));
        insta::assert_snapshot!(format!("call_{width}x{height}"), console.keys("V<enter>").screen());
    }
}

#[test]
fn a_version_is_chosen_before_a_reason_is_given() {
    let mut console = open((120, 40));
    console.keys("B");
    assert_eq!((console.app.dialogs.len(), console.commands.len()), (1, 0));
}

#[test]
fn enter_goes_to_the_calls_and_then_opens_one() {
    let mut console = open((120, 40));
    let crumbs = console.app.crumbs().len();
    console.keys("<enter>");
    assert_eq!(console.app.crumbs().len(), crumbs, "{}", console.text());
    console.keys("<enter>");
    assert_eq!(console.app.crumbs().len(), crumbs + 1, "{}", console.text());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_size_and_any_keys(
        width in 0u16..220, height in 0u16..70,
        keys in prop::collection::vec(prop::sample::select(vec!["j", "k", "G", "gg", "v", "V", "<enter>", "<esc>", "<pgdn>", "<ctrl-d>", "w", "h", "l"]), 0..12),
    ) {
        let mut console = open((width, height));
        console.keys(&keys.concat());
    }
}

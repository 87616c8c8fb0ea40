use proptest::prelude::*;

use super::super::synthetic::{SIZES, broken, name, world};
use crate::console::fixtures::silent;
use crate::console::harness::Harness;
use crate::console::message::Effect;

#[test]
fn looks() {
    for (width, height) in SIZES {
        let console = Harness::new((width, height), world(300));
        insta::assert_snapshot!(format!("full_{width}x{height}"), console.screen());
    }
    for (width, height) in SIZES {
        for (state, answers) in [("empty", world(0)), ("loading", silent()), ("error", broken())] {
            let console = Harness::new((width, height), answers);
            insta::assert_snapshot!(format!("{state}_{width}x{height}"), console.screen());
        }
    }
    let mut console = Harness::new((160, 30), world(30));
    insta::assert_snapshot!("quality", console.keys("v").text());
    insta::assert_snapshot!("cost_by_scope", console.keys("vbjj").text());
}

#[test]
fn the_selection_is_a_prompt_and_not_a_row() {
    let mut console = Harness::new((120, 40), world(1000));
    console.keys("jjjy");
    console.keys("iy<lt>y");
    let copied: Vec<String> = console.effects.iter().filter_map(copy).collect();
    assert_eq!(copied, [name(3), name(3), name(3)]);
    assert!(console.text().contains(&name(3).rsplit('/').next().unwrap().to_owned()));
}

fn copy(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    }
}

#[test]
fn far_rows_are_fetched() {
    let mut console = Harness::new((120, 40), world(2000));
    console.keys("Gy<pgup>y");
    let copied: Vec<String> = console.effects.iter().filter_map(copy).collect();
    assert_eq!(copied[0], name(1999));
    assert!(!console.text().contains("\n  …"), "{}", console.text());
}

#[test]
fn enter_opens_the_page_and_p_its_proposals() {
    let mut console = Harness::new((120, 40), world(12));
    console.keys("<enter>");
    assert_eq!(console.app.crumbs(), ["Prompts", "support.reply"]);
    console.keys("<esc>p");
    assert_eq!(console.app.tab, crate::console::tab::Tab::Proposals);
    assert_eq!(console.app.filter(), Some("prompt://org/acme/support.reply"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_size_and_any_keys(
        width in 0u16..220, height in 0u16..70, total in 0usize..400,
        keys in prop::collection::vec(prop::sample::select(vec!["j", "k", "G", "gg", "v", "b", ">", "i", "<lt>", "<pgdn>", "<ctrl-d>", "w"]), 0..12),
    ) {
        let mut console = Harness::new((width, height), world(total));
        console.keys(&keys.concat());
    }
}

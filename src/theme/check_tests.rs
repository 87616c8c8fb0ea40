//! The theme check: text can be read, what differs in meaning differs in look, also to colour-blind eyes and without any
//! colour, and what a terminal cannot show is never sent to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ratatui::style::{Color, Modifier};

use super::catalog::Tone;
use super::colour::{Oklab, Rgb, Shade, oklab};
use super::{Appearance, Depth, Look, Role, Style, Theme};

/// What text has at least (WCAG 2.2, 1.4.3), in the high-contrast themes (1.4.6), and what may be overlooked.
const READABLE: f64 = 4.5;
const HIGH: f64 = 7.0;
const VISIBLE: f64 = 1.5;
/// Distances in `OKLab`; 0.02 is about the least that is seen. Grounds of lines are large, and lie beside each other.
const LINES_APART: f64 = 0.045;
const WORDS_APART: f64 = 0.07;
const APART: f64 = 0.08;
const COLOUR_BLIND: [&str; 3] = ["deuteranopia", "protanopia", "tritanopia"];

/// Fainter than text has to be: they carry no meaning, as their docs say.
const OVERLOOKED: [Role; 5] = [Role::Faint, Role::Border, Role::Axis, Role::Band, Role::Backdrop];
/// Grounds on which text of roles without a ground is put.
const GROUNDS: [Role; 5] = [Role::Ground, Role::Dialog, Role::Selection, Role::SelectionIdle, Role::Chip];
/// What stands in a text that is compared.
const IN_A_TEXT: [Role; 4] = [Role::Text, Role::Variable, Role::PromptHeading, Role::Code];

/// Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
/// IEEE TVCG 15(6), severity 1.0; for linear RGB.
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    ("full colour vision", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn themes() -> Vec<Theme> {
    Theme::names(None).iter().map(|name| Theme::named(name, None).unwrap()).collect()
}

fn exact(shade: Option<Shade>) -> Option<Rgb> {
    match shade {
        Some(Shade::Exact(rgb)) => Some(rgb),
        _ => None,
    }
}

/// Themes with exact colours, each with its ground.
fn grounded() -> Vec<(Theme, Rgb)> {
    themes()
        .into_iter()
        .filter_map(|theme| exact(theme.tone(Role::Ground).bg).map(|bg| (theme, bg)))
        .collect()
}

/// WCAG's contrast ratio.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |rgb: Rgb| {
        let [red, green, blue] = rgb.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

fn seen(rgb: Rgb, eyes: &[[f64; 3]; 3]) -> Oklab {
    let light = rgb.linear();
    let row = |row: &[f64; 3]| row.iter().zip(light).map(|(m, v)| m * v).sum::<f64>().clamp(0.0, 1.0);
    oklab([row(&eyes[0]), row(&eyes[1]), row(&eyes[2])])
}

fn distance(a: Rgb, b: Rgb, eyes: &[[f64; 3]; 3]) -> f64 {
    let (a, b) = (seen(a, eyes), seen(b, eyes));
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

/// How far two roles are apart: by their grounds or by their texts, whichever tells more.
fn apart(theme: &Theme, a: Role, b: Role, eyes: &[[f64; 3]; 3]) -> f64 {
    let (a, b) = (theme.tone(a), theme.tone(b));
    let far = |a, b| exact(a).zip(exact(b)).map_or(0.0, |(a, b)| distance(a, b, eyes));
    far(a.fg, b.fg).max(far(a.bg, b.bg))
}

fn pairs(roles: &[Role]) -> Vec<(Role, Role)> {
    let later = |at: usize| roles[at + 1..].iter().map(move |other| (roles[at], *other));
    (0..roles.len()).flat_map(later).collect()
}

/// Fails with every line that was gathered.
fn none(offending: &str) {
    assert!(offending.is_empty(), "\n{offending}");
}

#[test]
fn text_can_be_read_on_every_ground_it_stands_on() {
    let (mut offending, mut lowest) = (String::new(), (f64::MAX, String::new()));
    for (theme, screen) in grounded() {
        let least = if theme.name.starts_with("contrast") { HIGH } else { READABLE };
        let ink = exact(theme.tone(Role::Text).fg).unwrap();
        for role in Role::ALL {
            let Tone { fg, bg, .. } = theme.tone(*role);
            let fg = exact(fg).unwrap_or(ink);
            let overlooked = OVERLOOKED.contains(role);
            let least = if overlooked {
                VISIBLE
            } else if Role::HEAT.contains(role) {
                READABLE
            } else {
                least
            };
            let mut grounds: Vec<(Role, Rgb)> = match exact(bg) {
                Some(own) => vec![(*role, own)],
                None if overlooked => vec![(Role::Ground, screen)],
                None => GROUNDS.iter().map(|on| (*on, exact(theme.tone(*on).bg).unwrap())).collect(),
            };
            if IN_A_TEXT.contains(role) {
                let lines = [Role::Added, Role::Removed];
                grounds.extend(lines.iter().map(|on| (*on, exact(theme.tone(*on).bg).unwrap())));
            }
            for (on, ground) in grounds {
                let ratio = contrast(fg, ground);
                let told = format!("{}: {} on {} has {ratio:.2}:1", theme.name, role.name(), on.name());
                if ratio < least {
                    let _ = writeln!(offending, "{told}, not {least}:1");
                }
                if !overlooked && ratio < lowest.0 {
                    lowest = (ratio, told);
                }
            }
        }
    }
    println!("lowest: {}", lowest.1);
    none(&offending);
}

#[test]
fn what_came_and_what_went_are_told_apart_by_all_eyes_in_all_themes() {
    let mut offending = String::new();
    for (what, a, b, least) in [
        ("lines", Role::Added, Role::Removed, LINES_APART),
        ("words", Role::AddedWord, Role::RemovedWord, WORDS_APART),
        ("words in lines that came", Role::Added, Role::AddedWord, WORDS_APART),
        ("words in lines that went", Role::Removed, Role::RemovedWord, WORDS_APART),
    ] {
        let mut closest = (f64::MAX, String::new());
        for (theme, _) in grounded() {
            for (eyes, matrix) in &EYES {
                let far = apart(&theme, a, b, matrix);
                if far < closest.0 {
                    closest = (far, format!("{} ({eyes})", theme.name));
                }
                if far < least {
                    let _ = writeln!(offending, "{}: {what} under {eyes}: {far:.3} < {least}", theme.name);
                }
            }
        }
        println!("{what}: closest {:.3} in {}", closest.0, closest.1);
    }
    none(&offending);
}

#[test]
fn what_differs_in_meaning_differs_in_colour() {
    let states = [Role::Good, Role::Caution, Role::Bad];
    let risks = [Role::RiskLow, Role::RiskMedium, Role::RiskHigh];
    let mut offending = String::new();
    let families = [
        ("states", &states[..], 0.055),
        ("risks", &risks[..], 0.055),
        ("series", &Role::SERIES[..], 0.045),
        ("heat", &Role::HEAT[..], APART),
    ];
    for (what, roles, in_others) in families {
        let (mut closest, mut closest_blind) = ((f64::MAX, String::new()), (f64::MAX, String::new()));
        for (theme, _) in grounded() {
            let blind = COLOUR_BLIND.contains(&theme.name.as_str());
            for (eyes, matrix) in EYES.iter().take(if blind { 4 } else { 1 }) {
                for (a, b) in pairs(roles) {
                    let far = apart(&theme, a, b, matrix);
                    let told = format!("{}: {} and {} under {eyes}", theme.name, a.name(), b.name());
                    let least = if blind { APART } else { in_others };
                    if far < least {
                        let _ = writeln!(offending, "{told}: {far:.3} < {least}");
                    }
                    let closest = if blind { &mut closest_blind } else { &mut closest };
                    if far < closest.0 {
                        *closest = (far, told);
                    }
                }
            }
        }
        println!("{what}: closest {closest:?}, of the colour-blind themes {closest_blind:?}");
    }
    none(&offending);
}

#[test]
fn a_heat_map_s_steps_are_even_and_go_one_way() {
    for (theme, _) in grounded() {
        let shades: Vec<Rgb> = Role::HEAT.iter().map(|role| exact(theme.tone(*role).bg).unwrap()).collect();
        let steps: Vec<f64> = shades.windows(2).map(|two| distance(two[0], two[1], &EYES[0].1)).collect();
        let (least, most) =
            steps.iter().fold((f64::MAX, 0.0_f64), |(a, b), step| (a.min(*step), b.max(*step)));
        assert!(most / least <= 1.3, "{}: {steps:.3?}", theme.name);
        let dark = theme.appearance == Appearance::Dark;
        let rises = shades.windows(2).all(|two| (two[0].oklab()[0] < two[1].oklab()[0]) == dark);
        assert!(rises, "{}: {shades:?}", theme.name);
    }
}

#[test]
fn a_theme_s_ground_is_as_dark_or_light_as_it_says() {
    for (theme, ground) in grounded() {
        let dark = ground.oklab()[0] < 0.5;
        assert_eq!(dark, theme.appearance == Appearance::Dark, "{}", theme.name);
    }
}

#[test]
fn meaning_survives_without_colour_at_every_depth() {
    for theme in themes() {
        for depth in Depth::ALL {
            let look = Look::new(&theme, depth, false);
            let weight = |role| look.style(role).add_modifier;
            let at = format!("{} at {depth}", theme.name);
            for role in [Role::AddedWord, Role::RemovedWord] {
                assert!(weight(role).contains(Modifier::UNDERLINED), "{at}: {}", role.name());
            }
            for (a, b) in [
                (Role::Selection, Role::Text),
                (Role::Selection, Role::SelectionIdle),
                (Role::ButtonFocused, Role::Button),
                (Role::ButtonFocused, Role::ButtonDanger),
                (Role::ChipAlert, Role::Chip),
                (Role::ToastBad, Role::Toast),
                (Role::TabActive, Role::Tab),
                (Role::Page, Role::Bad),
                (Role::Bad, Role::Good),
                (Role::Bad, Role::Caution),
                (Role::RiskHigh, Role::RiskMedium),
                (Role::AddedWord, Role::Added),
                (Role::RemovedWord, Role::Removed),
                (Role::Core, Role::Org),
            ] {
                assert_ne!(weight(a), weight(b), "{at}: {} and {}", a.name(), b.name());
            }
        }
    }
}

#[test]
fn without_colour_everything_that_must_be_told_apart_is() {
    for theme in themes() {
        let look = Look::new(&theme, Depth::Mono, true);
        let families: [&[Role]; 5] = [
            &[Role::Good, Role::Caution, Role::Bad, Role::Page],
            &[Role::RiskLow, Role::RiskMedium, Role::RiskHigh],
            &Role::HEAT,
            &[Role::Text, Role::Selection, Role::SelectionIdle],
            &[Role::AddedWord, Role::RemovedWord, Role::Added],
        ];
        for (a, b) in families.iter().flat_map(|roles| pairs(roles)) {
            assert_ne!(look.style(a), look.style(b), "{}: {} and {}", theme.name, a.name(), b.name());
        }
    }
}

#[test]
fn a_depth_is_never_sent_more_than_it_shows() {
    let sixteen = |colour: Color| !matches!(colour, Color::Rgb(..) | Color::Indexed(16..));
    for theme in themes() {
        for role in Role::ALL {
            let at = |depth| Look::new(&theme, depth, false).style(*role);
            let colours = |style: Style| [style.fg, style.bg, style.underline_color];
            let told = format!("{}: {}", theme.name, role.name());
            assert_eq!(colours(at(Depth::Mono)), [None; 3], "{told}");
            assert!(colours(at(Depth::Ansi16)).into_iter().flatten().all(sixteen), "{told}");
            let no_rgb = |colour| !matches!(colour, Color::Rgb(..));
            assert!(colours(at(Depth::Ansi256)).into_iter().flatten().all(no_rgb), "{told}");
        }
    }
}

#[test]
fn meanings_stay_apart_when_colours_are_few() {
    let mut offending = String::new();
    // Without any colour it is marks and words that tell lines apart, whatever the depth.
    for theme in themes().into_iter().filter(|theme| theme.name != "terminal-mono") {
        for depth in [Depth::Ansi16, Depth::Ansi256] {
            let look = Look::new(&theme, depth, false);
            let families: [&[Role]; 4] = [
                &[Role::Good, Role::Caution, Role::Bad, Role::Page, Role::Text],
                &[Role::Added, Role::Removed, Role::AddedWord, Role::RemovedWord],
                &[Role::RiskLow, Role::RiskMedium, Role::RiskHigh],
                &[Role::Text, Role::Selection, Role::SelectionIdle],
            ];
            for (a, b) in families.iter().flat_map(|roles| pairs(roles)) {
                if look.style(a) == look.style(b) {
                    let _ = writeln!(offending, "{} at {depth}: {} and {}", theme.name, a.name(), b.name());
                }
            }
            if depth == Depth::Ansi16 {
                for (bright, plain) in [(Role::Page, Role::Bad), (Role::ButtonFocused, Role::Accent)] {
                    let (bright, plain) = (look.style(bright), look.style(plain));
                    assert_eq!(bright.fg, plain.fg, "{}", theme.name);
                    assert!(bright.add_modifier.contains(Modifier::REVERSED), "{}", theme.name);
                }
            }
            // The table of 256 has few dark colours: the two lowest steps may share one. Their numbers are always printed.
            for (what, roles, least) in [("series", &Role::SERIES[..], 4), ("heat", &Role::HEAT[..], 4)] {
                let looks: BTreeSet<String> =
                    roles.iter().map(|role| format!("{:?}", look.style(*role))).collect();
                if looks.len() < least {
                    let _ = writeln!(offending, "{} at {depth}: {} looks of {what}", theme.name, looks.len());
                }
            }
        }
    }
    none(&offending);
}

#[test]
fn the_default_is_the_terminal_s_own_sixteen_and_no_ground() {
    let terminal = Theme::named("terminal", None).unwrap();
    let default = Look::default();
    for role in Role::ALL {
        let style = default.style(*role);
        assert_eq!(style.bg, None, "{}", role.name());
        for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
            assert_eq!(style, Look::new(&terminal, depth, false).style(*role), "{} at {depth}", role.name());
        }
    }
    assert_eq!(default.style(Role::Text), Style::new());
    assert!(default.style(Role::Selection).add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn a_theme_cannot_hide_what_must_be_seen() {
    let plain = Look::new(&Theme::bare(), Depth::True, false);
    let mono = Look::new(&Theme::named("terminal-mono", None).unwrap(), Depth::True, false);
    for role in Role::ALL {
        assert_eq!(plain.style(*role), mono.style(*role));
        assert!(role.always().is_empty() || !plain.style(*role).add_modifier.is_empty());
    }
}

use super::*;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

/// The faults of a theme, with the folder's path left out.
fn faults(files: &[(&str, &str)], name: &str) -> Vec<String> {
    let folder = folder(files);
    match Theme::named(name, Some(folder.path())) {
        Err(ThemeError::Invalid { faults, .. }) => {
            let path = format!("{}/", folder.path().display());
            faults.iter().map(|fault| fault.to_string().replace(&path, "")).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_built_in_theme_can_be_read_under_its_name() {
    let names = Theme::names(None);
    assert_eq!(names[0], "terminal");
    for name in &names {
        let theme = Theme::named(name, None).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(theme.name, *name);
    }
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("themes")).unwrap().count();
    assert_eq!(names.len(), files, "every file of themes/ is compiled in");
}

#[test]
fn a_theme_that_inherits_its_roles_names_every_colour_itself() {
    let palette = |name: &str| find(name, None).unwrap().read().unwrap();
    let graphite = palette("graphite");
    for name in Theme::names(None) {
        let file = palette(&name);
        if file.inherits.is_some_and(|(parent, _)| parent == "graphite") {
            assert!(file.palette.keys().eq(graphite.palette.keys()), "{name}");
        }
    }
}

#[test]
fn five_lines_make_a_theme() {
    let text = "appearance = 'light'\n[roles]\ntext = '#202020'\naccent = 'blue'\nbad = '#a00000'";
    let folder = folder(&[("mine", text)]);
    let theme = Theme::named("mine", Some(folder.path())).unwrap();
    assert_eq!(theme.appearance, Appearance::Light);
    assert_eq!(theme.tone(Role::Series2).fg, Some(Shade::Ansi(4)));
    assert_eq!(theme.tone(Role::RemovedWord).fg, Shade::parse("#a00000"));
    assert_eq!(theme.tone(Role::Selection).fg, None);
}

#[test]
fn a_user_s_theme_wins_and_may_inherit_from_what_it_replaces() {
    let own = "inherits = 'nord'\n[palette]\naccent = '#ff0000'";
    let folder = folder(&[("nord", own), ("zz", ""), (".hidden", ""), ("no theme", "")]);
    let nord = Theme::named("nord", Some(folder.path())).unwrap();
    assert_eq!(nord.tone(Role::Accent).fg, Shade::parse("#ff0000"));
    assert_eq!(nord.tone(Role::Good), Theme::named("nord", None).unwrap().tone(Role::Good));
    let names = Theme::names(Some(folder.path()));
    assert_eq!(names[Theme::names(None).len()..], ["zz"]);
    assert_eq!(Theme::names(Some(Path::new("/nowhere"))), Theme::names(None));
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "name = 'yours'
appearance = 'dusk'
colour = 1
[palette]
sky = '#12345'
bold = 'red'
grey = 'bright-blak'
[roles]
acent = 'sky'
text = 'red blue'
muted = { fg = 'pink', bald = true, dim = 'yes' }
good = 3
";
    assert_eq!(
        faults(&[("mine", text)], "mine"),
        [
            "mine.toml:1: `name` is `yours`, but the file is `mine.toml`; write name = \"mine\", or name the file after it",
            "mine.toml:2: `appearance` is `dusk`; write \"dark\" or \"light\"",
            "mine.toml:3: `colour` is no key of a theme; a theme has name, appearance, inherits, palette, roles",
            "mine.toml:5: `palette.sky` is `#12345`, which is no colour; write \"#rrggbb\" or one of black, red, green, yellow, blue, magenta, cyan, white, bright-black, bright-red, bright-green, bright-yellow, bright-blue, bright-magenta, bright-cyan, bright-white, default",
            "mine.toml:6: `palette.bold` cannot be a colour's name; call it something else",
            "mine.toml:7: `palette.grey` is `bright-blak`, which is no colour; did you mean `bright-black`? write \"#rrggbb\" or one of black, red, green, yellow, blue, magenta, cyan, white, bright-black, bright-red, bright-green, bright-yellow, bright-blue, bright-magenta, bright-cyan, bright-white, default",
            "mine.toml:9: `roles.acent` is no role; did you mean `accent`? the commented example of a theme lists every role",
            "mine.toml:10: `roles.text` has two colours, `red` and `blue`; a ground is written as in { fg = \"text\", bg = \"blue\" }; weights are bold, dim, italic, underline, reverse",
            "mine.toml:11: `roles.muted.bald` is no part of a role; did you mean `bold`? a role has fg, bg, bold, dim, italic, underline, reverse",
            "mine.toml:11: `roles.muted.dim` is string, not a boolean; write true or false",
            "mine.toml:12: `roles.good` is integer, not a text or a table; write \"blue bold\" or { fg = \"blue\", bold = true }; a role has fg, bg, bold, dim, italic, underline, reverse",
            "mine.toml:11: `roles.muted.fg` names no colour: `pink`; write \"#rrggbb\", a name of the palette or of one of the terminal's colours",
        ]
    );
}

#[test]
fn what_is_not_toml_is_told_by_line_and_hides_its_escapes() {
    let told = faults(&[("mine", "[roles]\ntext = \"red\nbad = = 2\n")], "mine");
    assert!(told.len() >= 2, "{told:?}");
    assert!(told.iter().all(|fault| fault.ends_with("a theme is a TOML file")), "{told:?}");
    let told = faults(&[("mine", "[roles]\n\"a\\u001b[2J\" = 'red'")], "mine");
    assert!(!told[0].contains('\u{1b}'), "{told:?}");
}

#[test]
fn heritage_that_leads_round_or_nowhere_is_a_fault() {
    let files = [("a", "inherits = 'b'"), ("b", "\ninherits = 'c'"), ("c", "inherits = 'a'")];
    let told = faults(&files, "a");
    assert_eq!(
        told,
        [
            "c.toml:1: `inherits` leads round: a > b > c > a; inherit from a theme that does not inherit from this one"
        ]
    );
    assert_eq!(faults(&[("a", "inherits = 'a'")], "a").len(), 1);
    let told = faults(&[("a", "inherits = 'nrod'")], "a");
    assert!(told[0].contains("which is no theme; did you mean `nord`?"), "{told:?}");
}

#[test]
fn a_name_leads_to_a_theme_of_the_folder_or_nowhere() {
    let folder = folder(&[("mine", "")]);
    for name in ["../mine", "/etc/passwd", "", ".", "..", "mine/../mine", "no such"] {
        let found = Theme::named(name, Some(folder.path()));
        assert!(matches!(found, Err(ThemeError::Unknown { .. })), "{name}");
    }
    let error = Theme::named("gruvbx-dark", None).unwrap_err().to_string();
    assert!(
        error.starts_with("there is no theme `gruvbx-dark`; did you mean `gruvbox-dark`? there are "),
        "{error}"
    );
}

#[test]
fn the_template_is_a_theme_and_names_every_role() {
    let folder = folder(&[("mine", Theme::template())]);
    Theme::named("mine", Some(folder.path())).unwrap_or_else(|e| panic!("{e}"));
    let all: Vec<&str> = Theme::template()
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.ends_with(" = \"sea\"")).unwrap_or(line))
        .collect();
    fs::write(folder.path().join("mine.toml"), all.join("\n")).unwrap();
    let theme = Theme::named("mine", Some(folder.path())).unwrap_or_else(|e| panic!("{e}"));
    for role in Role::ALL {
        assert!(theme.roles.contains_key(role), "{} is missing", role.name());
        if let Some(lender) = role.falls_back_to() {
            let words = format!("Else as {}.", lender.name());
            let place = Theme::template().find(&format!("\n# {} = ", role.name()));
            let before = place.or(Theme::template().find(&format!("\n{} = ", role.name())));
            let doc = &Theme::template()[..before.unwrap()];
            let doc = &doc[doc.rfind(" = ").unwrap()..].replace("\n# ", " ");
            assert!(doc.contains(&words), "{}: {words}", role.name());
        }
    }
}

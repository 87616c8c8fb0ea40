//! Tests of keys: what a file may be, who may read it, what opens it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn who(text: &str) -> Identity {
    text.parse().unwrap()
}

fn nobody(_: &Path) -> std::io::Result<Passphrase> {
    Err(std::io::Error::other("nobody is there"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_made_key_is_for_its_owner_alone_and_signs_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::of(&dir.path().join("config"));
    assert_eq!(keys.steward(None).unwrap(), None);
    let ana = keys.make(&who("steward://A/ana"), None).unwrap();
    assert_eq!((mode(&ana.key), mode(ana.key.parent().unwrap())), (0o600, 0o700));
    assert!(ana.key.ends_with("keys/ana"));
    assert_eq!(keys.steward(None).unwrap(), Some(ana.clone()));
    let pen = keys.pen(&ana, &nobody).unwrap();
    assert_eq!((pen.identity(), pen.public_key()), (&ana.name, keys.public_key(&ana).unwrap()));
    let (public, comment) = read_public(&Keys::public_file(&ana)).unwrap();
    assert_eq!((public, comment.as_str()), (pen.public_key(), "steward://A/ana"));
    assert!(matches!(keys.make(&ana.name, None), Err(KeyError::Taken(_))));
    // The same name elsewhere is somebody else.
    let other = keys.make(&who("steward://B/ana"), None).unwrap();
    assert_ne!(other.key, ana.key);
    assert_eq!(keys.steward(None).unwrap().unwrap().name, other.name);
    assert!(matches!(keys.steward(Some("ana")), Err(KeyError::Ambiguous { .. })));
    assert_eq!(keys.steward(Some("steward://A/ana")).unwrap(), Some(ana.clone()));
    assert!(matches!(keys.steward(Some("eva")), Err(KeyError::Unknown { .. })));
    // An agent is no steward, and does not take a steward's place.
    keys.make(&who("agent://B/ana"), None).unwrap();
    assert_eq!(keys.steward(None).unwrap().unwrap().name, other.name);
    keys.make_current(&ana).unwrap();
    assert_eq!(keys.steward(None).unwrap(), Some(ana.clone()));
    for secret in [
        format!("{keys:?}{pen:?}{ana:?}"),
        fs::read_to_string(dir.path().join("config/identity.toml")).unwrap(),
    ] {
        assert!(!secret.contains("PRIVATE"), "{secret}");
    }
    fs::remove_file(&ana.key).unwrap();
    assert!(matches!(keys.pen(&ana, &nobody), Err(KeyError::Gone { .. })));
}

#[test]
fn what_others_may_read_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::of(dir.path());
    let card = keys.make(&who("steward://A/ana"), None).unwrap();
    for wide in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&card.key, fs::Permissions::from_mode(wide)).unwrap();
        let said = keys.pen(&card, &nobody).unwrap_err().to_string();
        assert!(said.contains(&format!("{wide:04o}")) && said.contains("chmod 600"), "{said}");
        assert_eq!(mode(&card.key), wide, "only its owner changes it");
    }
    fs::set_permissions(&card.key, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(keys.pen(&card, &nobody).is_ok());
}

#[test]
fn a_passphrase_opens_its_key_and_no_other_does() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::of(dir.path());
    let right = Passphrase::new("correct horse".into());
    let card = keys.make(&who("steward://A/ana"), Some(&right)).unwrap();
    assert!(!keys.public_key(&card).unwrap().to_string().is_empty());
    let answer = |text: &'static str| move |_: &Path| Ok(Passphrase::new(text.into()));
    assert!(keys.pen(&card, &answer("correct horse")).is_ok());
    assert!(matches!(keys.pen(&card, &answer("battery staple")), Err(KeyError::Wrong(_))));
    assert!(matches!(keys.pen(&card, &answer("")), Err(KeyError::Wrong(_))));
    assert!(matches!(keys.pen(&card, &nobody), Err(KeyError::NoPassphrase { .. })));
}

#[test]
fn a_key_that_is_there_is_referred_to_and_other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, keys) = (Keys::of(&dir.path().join("ssh")), Keys::of(&dir.path().join("config")));
    let there = mine.make(&who("steward://X/me"), None).unwrap();
    let card = keys.refer(&who("steward://A/ana"), &there.key).unwrap();
    assert_eq!(keys.pen(&card, &nobody).unwrap().public_key(), mine.public_key(&there).unwrap());
    assert!(!dir.path().join("config/keys").exists(), "nothing is copied");

    let file = dir.path().join("file");
    let put = |text: &str| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let bob = who("steward://A/bob");
    for text in ["", "hello", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
        put(text);
        assert!(matches!(keys.refer(&bob, &file), Err(KeyError::NoKey { .. })), "{text}");
        assert!(matches!(read_public(&file), Err(KeyError::NoKey { .. })), "{text}");
    }
    let public = fs::read_to_string(Keys::public_file(&there)).unwrap();
    put(&public);
    assert!(matches!(keys.refer(&bob, &file), Err(KeyError::NoKey { .. })));
    put(&format!("{public}{public}"));
    assert!(matches!(read_public(&file), Err(KeyError::NoKey { .. })));
    // A device without an end is no key either.
    #[cfg(unix)]
    assert!(matches!(read_public(Path::new("/dev/zero")), Err(KeyError::NoKey { .. })));
    assert!(matches!(keys.refer(&bob, &dir.path().join("none")), Err(KeyError::File { .. })));
    fs::write(dir.path().join("config/identity.toml"), "current = 3").unwrap();
    assert!(matches!(keys.all(), Err(KeyError::List { .. })));
}

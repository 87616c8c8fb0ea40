//! `human steward …`: who acts at this machine, and whom a store trusts.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::plain::shown;
use super::{CliError, Desk, Exit, Result, table};
use crate::config::{Config, ConfigError};
use crate::domain::identity::{Identity, PublicKey};
use crate::domain::prompt::Name;
use crate::engine::seal::Pen;
use crate::engine::trust::Trust;
use crate::keys::{self, Card, KeyError, KeyringFault, Keys, Passphrase};
use crate::service::Service;
use crate::store::Kind;

/// The verbs of this family.
#[derive(Debug, clap::Subcommand)]
pub enum StewardVerb {
    /// Make your key, or take one that you have; in a store without an owner you become its owner
    Init(InitArgs),
    /// Who you are here, and whether the store trusts you
    Whoami,
    /// Whom the store trusts
    List,
    /// Trust another steward's public key
    Trust(TrustArgs),
    /// Trust a steward no more
    Distrust {
        /// The steward: `steward://ORG/NAME`, or the name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Your name: letters, digits, `_` and `-`
    name: Name,
    /// Your organization [default: `intake.default_org` of the configuration]
    #[arg(long, value_name = "ORG")]
    org: Option<Name>,
    /// Use this private key (Ed25519, in the format of OpenSSH) where it is
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "keep_in"])]
    key: Option<PathBuf>,
    /// Keep the new key in a file, protected by a passphrase: asked for on the terminal, or taken from `HUMAN_PASSPHRASE`
    #[arg(long, conflicts_with = "keep_in")]
    passphrase: bool,
    #[command(flatten)]
    keep: KeepArgs,
}

/// Where the private half of a new key is kept.
#[derive(Debug, clap::Args)]
pub struct KeepArgs {
    /// Where the private half of a new key is kept [default: the keyring where there is one, else a file; a file where
    /// `HUMAN_CONFIG_DIR` is set]
    #[arg(long, value_name = "PLACE")]
    keep_in: Option<KeepIn>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KeepIn {
    /// The platform's: Keychain, Credential Manager, Secret Service
    Keyring,
    /// In the configuration folder, for its owner alone (mode 0600)
    File,
}

impl KeepArgs {
    /// Makes a key that no passphrase protects.
    pub(super) fn make(&self, keys: &Keys, identity: &Identity, desk: &Desk) -> Result<Card> {
        // Whoever moves the folder means to have the keys in it.
        let moved = std::env::var_os("HUMAN_CONFIG_DIR").is_some_and(|folder| !folder.is_empty());
        let made = match self.keep_in {
            Some(KeepIn::File) => keys.make(identity, None),
            None if moved => keys.make(identity, None),
            Some(KeepIn::Keyring) => keys.make_in_keyring(identity),
            None => match keys.make_in_keyring(identity) {
                Err(KeyError::NotKept(fault @ KeyringFault::None(_))) => {
                    desk.say(&format!("The key goes to a file: {fault}."));
                    keys.make(identity, None)
                }
                made => made,
            },
        };
        Ok(made?)
    }
}

/// `keptIn` of the JSON.
pub(super) fn kept_in(card: &Card) -> &'static str {
    if card.in_keyring { "keyring" } else { "file" }
}

#[derive(Debug, clap::Args)]
pub struct TrustArgs {
    /// The public key: one line in the format of OpenSSH
    file: PathBuf,
    /// Whose it is, `steward://ORG/NAME` or the name [default: what the comment in the file says]
    name: Option<String>,
    /// The same
    #[arg(long = "as", value_name = "NAME", conflicts_with = "name")]
    by: Option<String>,
}

pub fn run(verb: &StewardVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        StewardVerb::Init(args) => init(args, desk),
        StewardVerb::Whoami => whoami(desk),
        StewardVerb::List => list(desk),
        StewardVerb::Trust(args) => trust(args, desk),
        StewardVerb::Distrust { name } => distrust(name, desk),
    }
}

/// The passphrase of a key file: from the environment, else from the terminal.
pub(super) fn passphrase(file: &Path) -> std::io::Result<Passphrase> {
    ask(&format!("Passphrase of {}: ", shown(&file.display().to_string())))
}

fn ask(prompt: &str) -> std::io::Result<Passphrase> {
    match std::env::var("HUMAN_PASSPHRASE") {
        Ok(text) => Ok(Passphrase::new(text)),
        Err(_) => rpassword::prompt_password(prompt).map(Passphrase::new),
    }
}

impl Desk {
    /// The keys at this machine.
    pub(super) fn keys() -> Result<Keys> {
        Ok(Keys::of(&Config::folder()?))
    }

    /// The steward who acts: `HUMAN_STEWARD`, else the current one.
    pub(super) fn steward() -> Result<Option<Card>> {
        let asked = std::env::var("HUMAN_STEWARD").ok().filter(|name| !name.is_empty());
        match (Self::keys(), &asked) {
            // Without a home folder nobody has a key.
            (Err(CliError::Config(ConfigError::NoHome(_))), None) => Ok(None),
            (keys, asked) => Ok(keys?.steward(asked.as_deref())?),
        }
    }

    /// What signs in a store: the steward's key, where the store has an owner and somebody has a key here. A passphrase
    /// may be asked for.
    pub(super) fn pen(trust: &Trust) -> Result<Option<Pen>> {
        let steward = if trust.owner().is_some() { Self::steward()? } else { None };
        steward.map(|card| Ok(Self::keys()?.pen(&card, &passphrase)?)).transpose()
    }
}

fn init(args: &InitArgs, desk: &mut Desk) -> Result<Exit> {
    let config = desk.config()?;
    let org = args.org.clone().unwrap_or_else(|| config.identity.default_org.clone());
    let identity = Identity::Steward(org, args.name.clone());
    let keys = Desk::keys()?;
    let known = keys.card(&identity)?;
    let card = match (&known, &args.key) {
        (Some(card), None) if !args.passphrase && args.keep.keep_in.is_none() => {
            keys.make_current(card)?;
            card.clone()
        }
        (_, Some(file)) => keys.refer(&identity, file)?,
        // Before a passphrase is asked for.
        (Some(card), None) => return Err(KeyError::Taken(card.clone()).into()),
        (None, None) if args.passphrase => keys.make(&identity, Some(&chosen()?))?,
        (None, None) => args.keep.make(&keys, &identity, desk)?,
    };
    let key = keys.public_key(&card)?;
    let service = desk.writing()?;
    let owned = service.trust()?.owner().is_some();
    let became = if owned { None } else { service.own(&keys.pen(&card, &passphrase)?)? };
    let trust = service.trust()?;
    let store = service.path().display().to_string();
    service.close()?;
    let (trusted, line) = (trust.trusts(&identity, key), keys::public_line(key, &identity));
    let fingerprint = keys::fingerprint(key);
    let public = Keys::public_file(&card);
    if desk.json {
        return desk.document(&json!({
            "steward": identity, "fingerprint": fingerprint, "key": (!card.in_keyring).then(|| card.key.display().to_string()),
            "keptIn": kept_in(&card), "publicKey": line, "trusted": trusted,
            "owner": trust.owner() == Some(&identity), "store": store,
        }));
    }
    writeln!(desk.out, "{identity}  {fingerprint}\nKey: {}", shown(&card.place()))?;
    if became.is_some() {
        writeln!(desk.out, "Owner of {}", shown(&store))?;
    } else if trusted {
        writeln!(desk.out, "Trusted in {} already", shown(&store))?;
    } else {
        writeln!(desk.out, "Public key: {}\n{line}", shown(&public.display().to_string()))?;
        desk.out.flush()?;
        let whose = trust.owner().map(ToString::to_string).unwrap_or_default();
        desk.say(&format!(
            "The store's owner is {whose}, who trusts you with `human steward trust FILE`: hand them the public key, never \
             the private one."
        ));
    }
    Ok(Exit::Done)
}

/// A passphrase for a new key, typed twice where somebody types it.
fn chosen() -> Result<Passphrase> {
    let failed = |error: std::io::Error| {
        CliError::Failed(format!(
            "there is no terminal to ask for the passphrase on ({error}), and no key was made. Set HUMAN_PASSPHRASE, or run \
             the command in a terminal."
        ))
    };
    let first = ask("Passphrase of the new key: ").map_err(failed)?;
    if first.is_empty() {
        return Err(CliError::Usage(
            "the passphrase is empty. Leave out --passphrase for a key without one.".into(),
        ));
    }
    if first != ask("The same once more: ").map_err(failed)? {
        return Err(CliError::Failed(
            "the two passphrases differ, and no key was made. Try once more.".into(),
        ));
    }
    Ok(first)
}

/// The store, where there is one.
fn there(desk: &Desk) -> Result<Option<Service>> {
    match desk.reading() {
        Ok(service) => Ok(Some(service)),
        Err(CliError::Service(crate::service::ServiceError::Store(error))) if error.kind == Kind::Missing => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn whoami(desk: &mut Desk) -> Result<Exit> {
    let Some(card) = Desk::steward()? else {
        return Err(CliError::Failed(
            "nobody has a key here. `human steward init NAME` makes one, or takes one that you have with --key FILE."
                .into(),
        ));
    };
    let key = Desk::keys()?.public_key(&card)?;
    let trust = there(desk)?.map(|service| service.trust()).transpose()?;
    let trusted = trust.as_ref().is_some_and(|trust| trust.trusts(&card.name, key));
    let owner = trust.as_ref().and_then(Trust::owner);
    let is_owner = trusted && owner == Some(&card.name);
    let fingerprint = keys::fingerprint(key);
    if desk.json {
        return desk.document(&json!({
            "steward": card.name, "fingerprint": fingerprint, "key": (!card.in_keyring).then(|| card.key.display().to_string()),
            "keptIn": kept_in(&card), "trusted": trusted, "owner": is_owner,
        }));
    }
    let standing = match (owner, trusted) {
        _ if is_owner => "trusted here; the store's owner".to_owned(),
        (Some(_), true) => "trusted here".to_owned(),
        (Some(owner), false) => {
            format!("not trusted here: {owner} owns the store, and trusts with `human steward trust FILE`")
        }
        (None, _) => "the store has no owner; `human steward init NAME` makes you its owner".to_owned(),
    };
    writeln!(
        desk.out,
        "{}\nFingerprint  {fingerprint}\nKey          {}\nStanding     {standing}",
        card.name,
        shown(&card.place())
    )?;
    Ok(Exit::Done)
}

fn list(desk: &mut Desk) -> Result<Exit> {
    let trust = desk.reading()?.trust()?;
    let me = Desk::steward()?.map(|card| card.name);
    let here = Desk::keys().map_or(Ok(Vec::new()), |keys| keys.all())?;
    let kept = |who: &Identity| here.iter().find(|card| card.name == *who).map(kept_in);
    let owner = trust.owner().cloned();
    if desk.json {
        for (steward, known) in trust.stewards() {
            let line = json!({
                "steward": steward, "fingerprint": keys::fingerprint(known.key), "publicKey": known.key,
                "trusted": !known.distrusted, "owner": owner.as_ref() == Some(steward), "entry": known.since,
                "keptIn": kept(steward),
            });
            writeln!(desk.out, "{line}")?;
        }
        return Ok(Exit::Done);
    }
    let row = |(steward, known): (&Identity, &crate::engine::trust::Steward)| {
        let mut words = vec![if known.distrusted { "trusted no more" } else { "trusted" }];
        words.extend((owner.as_ref() == Some(steward)).then_some("owner"));
        words.extend((me.as_ref() == Some(steward)).then_some("you"));
        let kept = kept(steward).map(|place| format!("key in a {place} here"));
        words.extend(kept.as_deref());
        vec![steward.to_string(), keys::fingerprint(known.key), known.since.to_string(), words.join(", ")]
    };
    let rows: Vec<Vec<String>> = trust.stewards().map(row).collect();
    if rows.is_empty() {
        desk.say("The store has no owner: what is done by hand is not signed. `human steward init NAME` makes you its owner.");
        return Ok(Exit::Done);
    }
    let columns = [
        table::id("STEWARD", 9),
        table::text("FINGERPRINT", 3),
        table::number("ENTRY", 1),
        table::text("STANDING", 9),
    ];
    let page = desk.page();
    desk.out.write_all(table::set(page, 0, &columns, &rows).as_bytes())?;
    Ok(Exit::Done)
}

/// Who a name means that was given in full, or without its organization.
fn named(name: &str, desk: &Desk) -> Result<Identity> {
    let identity = if name.contains("://") {
        name.parse::<Identity>().map_err(|e| CliError::Usage(e.to_string()))?
    } else {
        let name: Name =
            name.parse().map_err(|e| CliError::Usage(format!("{e}; write `steward://ORG/NAME`")))?;
        Identity::Steward(desk.config()?.identity.default_org, name)
    };
    if identity.is_steward() {
        return Ok(identity);
    }
    Err(CliError::Usage(format!("{identity} is no steward. Name a person: `steward://ORG/NAME`.")))
}

fn trust(args: &TrustArgs, desk: &mut Desk) -> Result<Exit> {
    let (key, comment): (PublicKey, String) = keys::read_public(&args.file)?;
    let identity = match args.name.as_ref().or(args.by.as_ref()) {
        Some(name) => named(name, desk)?,
        None if comment.starts_with("steward://") => named(&comment, desk)?,
        None => {
            let file = args.file.display();
            return Err(CliError::Usage(format!(
                "the comment in `{file}` does not say whose key it is. Say so: `human steward trust {file} steward://ORG/NAME`."
            )));
        }
    };
    let service = desk.writing()?;
    let pen = Desk::pen(&service.trust()?)?;
    let entry = service.trust_key(pen, identity.clone(), key)?;
    service.close()?;
    let fingerprint = keys::fingerprint(key);
    if desk.json {
        return desk.document(&json!({
            "steward": identity, "fingerprint": fingerprint, "trusted": true, "entry": entry.map(|entry| entry.seq),
        }));
    }
    let already = if entry.is_some() { "" } else { " already" };
    writeln!(desk.out, "Trusted{already}: {identity}  {fingerprint}")?;
    Ok(Exit::Done)
}

fn distrust(name: &str, desk: &mut Desk) -> Result<Exit> {
    let service = desk.writing()?;
    let trust = service.trust()?;
    let is_meant = |steward: &Identity| {
        steward.to_string() == name || steward.name().is_some_and(|known| known.as_str() == name)
    };
    let meant: Vec<&Identity> = trust
        .stewards()
        .filter(|(who, known)| !known.distrusted && is_meant(who))
        .map(|(who, _)| who)
        .collect();
    let [steward] = meant.as_slice() else {
        let what = if meant.is_empty() { "nobody whom this store trusts" } else { "several stewards" };
        let shown = name.escape_debug();
        return Err(CliError::Usage(format!(
            "`{shown}` names {what}. `human steward list` names them in full."
        )));
    };
    let steward = (*steward).clone();
    let pen = Desk::pen(&trust)?;
    let entry = service.distrust(pen, steward.clone())?;
    service.close()?;
    if desk.json {
        return desk
            .document(&json!({"steward": steward, "trusted": false, "entry": entry.map(|entry| entry.seq)}));
    }
    writeln!(desk.out, "Trusted no more: {steward}")?;
    Ok(Exit::Done)
}

//! `human ingest`: files, folders and streams into the store, and how many became what.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::plain::shown;
use super::{CliError, Desk, Exit, Result};
use crate::engine::number::count;
use crate::intake::{Format, Receipt, Refusal};

/// Reasons of quarantine that are listed.
const SHOWN: usize = 8;

#[derive(Debug, clap::Args)]
pub struct IngestArgs {
    /// Files, folders, or `-` for standard input
    #[arg(required_unless_present = "quarantined", value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// What the inputs are
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Take what was quarantined once more, after a fix
    #[arg(long)]
    quarantined: bool,
    /// With --quarantined: let go of what is quarantined, for good
    #[arg(long, requires = "quarantined", conflicts_with = "paths")]
    discard: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    /// Told by the content
    Auto,
    /// Native events, one a line, or an array of them
    Jsonl,
    /// OTLP as JSON
    OtlpJson,
    /// OTLP as protobuf
    OtlpProto,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Auto => Format::Auto,
            FormatArg::Jsonl => Format::Jsonl,
            FormatArg::OtlpJson => Format::OtlpJson,
            FormatArg::OtlpProto => Format::OtlpProto,
        }
    }
}

pub fn run(args: &IngestArgs, desk: &mut Desk) -> Result<Exit> {
    if let Some(absent) = args.paths.iter().find(|p| p.as_path() != Path::new("-") && !p.exists()) {
        return Err(CliError::Failed(format!("`{}` is not there. Nothing was taken.", absent.display())));
    }
    if args.discard {
        return discard(desk);
    }
    let service = desk.writing()?;
    let (done, receipt, refused) = {
        let mut intake = service.intake()?;
        if desk.verbose {
            intake.watch(durable);
        }
        let done = args
            .paths
            .iter()
            .try_for_each(|path| {
                if path.as_path() == Path::new("-") {
                    intake.stream(
                        std::io::BufReader::with_capacity(256 << 10, std::io::stdin()),
                        "-",
                        args.format.into(),
                    )?;
                } else {
                    intake.path(path, args.format.into())?;
                    if is_empty_folder(path) {
                        desk.say(&format!("{}: the folder holds no file", path.display()));
                    }
                }
                if desk.verbose {
                    desk.say(&format!(
                        "{}: read; {} counted so far",
                        path.display(),
                        count(intake.committed().accepted)
                    ));
                }
                Ok(())
            })
            .and_then(|()| if args.quarantined { intake.replay() } else { Ok(()) });
        // What was read before a failure is taken all the same, and said.
        (done, intake.finish()?, intake.refused())
    };
    service.close()?;
    print(desk, &receipt, &refused.most_first())?;
    done?;
    Ok(if receipt.quarantined > 0 { Exit::Quarantined } else { Exit::Done })
}

fn discard(desk: &mut Desk) -> Result<Exit> {
    desk.reading()?.close()?;
    let service = desk.writing()?;
    let gone = service.discard_quarantined()?;
    service.close()?;
    if desk.json {
        return desk.document(&serde_json::json!({ "discarded": gone }));
    }
    writeln!(desk.out, "discarded {}", count(gone as u64))?;
    Ok(Exit::Done)
}

/// Files whose names begin with a dot are not taken.
fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| {
        entries.all(|e| e.is_ok_and(|e| e.file_name().as_encoded_bytes().starts_with(b".")))
    })
}

fn print(desk: &mut Desk, receipt: &Receipt, refused: &[Refusal]) -> std::result::Result<(), CliError> {
    if desk.json {
        desk.document(receipt)?;
    } else {
        writeln!(
            desk.out,
            "accepted {}, duplicate {}, quarantined {}",
            count(receipt.accepted),
            count(receipt.duplicate),
            count(receipt.quarantined)
        )?;
    }
    desk.out.flush()?;
    if receipt.corrected > 0 {
        desk.say(&format!("{} corrected by spans that came later", calls(receipt.corrected)));
    }
    if receipt.unsignalled > 0 {
        desk.say(&format!(
            "{} without a signal: kept, counted for nothing; say in [intake.scores] what they mean",
            if receipt.unsignalled == 1 {
                "1 score".into()
            } else {
                format!("{} scores", count(receipt.unsignalled))
            }
        ));
    }
    for refusal in refused.iter().take(SHOWN) {
        let like = if refusal.varies { ", and the like" } else { "" };
        let first = if refusal.count > 1 { "first at " } else { "" };
        desk.say(&format!(
            "quarantined {}: {}{like} ({first}{})",
            count(refusal.count),
            shown(&refusal.reason),
            shown(&refusal.place)
        ));
    }
    if refused.len() > SHOWN {
        desk.say(&format!(
            "and {} reasons more; `human doctor` lists them",
            count((refused.len() - SHOWN) as u64)
        ));
    }
    if !refused.is_empty() {
        desk.say("The bytes are kept; after a fix, `human ingest --quarantined` takes them.");
    }
    Ok(())
}

/// What would survive if everything ended now.
fn durable(so_far: &Receipt) {
    eprintln!(
        "durable so far: accepted {}, duplicate {}, quarantined {}, spans {}",
        count(so_far.accepted),
        count(so_far.duplicate),
        count(so_far.quarantined),
        count(so_far.spans)
    );
}

fn calls(n: u64) -> String {
    if n == 1 { "1 call".into() } else { format!("{} calls", count(n)) }
}

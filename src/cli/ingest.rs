//! `human ingest`: files, folders and streams into the store, and how many became what.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::number::count;
use super::{CliError, Desk, Exit, Result};
use crate::intake::{Format, Receipt};

#[derive(Debug, clap::Args)]
pub struct IngestArgs {
    /// Files, folders, or `-` for standard input
    #[arg(required_unless_present = "quarantined", value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// What the inputs are
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Take what was quarantined once more, after a fix
    #[arg(long)]
    quarantined: bool,
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
        return Err(CliError::Usage(format!("`{}` is not there. Nothing was taken.", absent.display())));
    }
    let service = desk.writing()?;
    let (done, receipt) = {
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
        (done, intake.finish()?)
    };
    let reasons = if receipt.quarantined > 0 { service.read()?.quarantine_reasons()? } else { Vec::new() };
    service.close()?;
    print(desk, &receipt, &reasons)?;
    done?;
    Ok(if receipt.quarantined > 0 { Exit::Quarantined } else { Exit::Done })
}

fn print(desk: &mut Desk, receipt: &Receipt, reasons: &[(String, i64)]) -> std::result::Result<(), CliError> {
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
    for (reason, n) in reasons.iter().take(8) {
        desk.say(&format!(
            "quarantined, {} in all: {}",
            count((*n).max(0) as u64),
            super::plain::shown(reason)
        ));
    }
    if !reasons.is_empty() {
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

//! `tollgate catalog import`: servers and their tools from files.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;
use domain::catalogue::Origin;
use serde::Serialize;
use store::catalogue::{Entry, LoadReport};

use super::{lines, loader};
use crate::{
    cli::DatabaseArgs,
    commands::{block_on, database},
    exit::Usage,
    output::{Format, complain, say, say_json_of},
    policy::visible,
};

/// How many faults are printed for people.
const FAULTS_SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files with a server a line; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Loads nothing where a line is bad.
    #[arg(long)]
    strict: bool,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A line that was not loaded, and why.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Fault {
    file: String,
    line: usize,
    fault: String,
}

/// What was read from the files.
#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    faults: Vec<Fault>,
    /// Fields that are passed over, and how many lines have them.
    unknown: BTreeMap<String, u32>,
    /// Where each slug stands.
    places: HashMap<String, String>,
}

#[derive(Serialize)]
struct Report {
    /// False where `--strict` and a bad line kept everything from being loaded.
    loaded: bool,
    added: u32,
    changed: u32,
    unchanged: u32,
    kept: u32,
    tools: u32,
    faults: Vec<Fault>,
    unknown_fields: BTreeMap<String, u32>,
}

pub(super) fn run(args: &ImportArgs) -> Result<ExitCode> {
    let mut read = Read::default();
    for path in &args.files {
        read.file(path)?;
    }
    let refused = args.strict && !read.faults.is_empty();
    let done = match refused {
        true => LoadReport::default(),
        false => block_on(async {
            let mut loader = loader(&args.database).await?;
            let done = loader.load(&read.entries).await.map_err(database)?;
            loader.close().await.map_err(database)?;
            Ok(done)
        })?,
    };
    let report = Report {
        loaded: !refused,
        added: done.added,
        changed: done.changed,
        unchanged: done.unchanged,
        kept: done.kept,
        tools: done.tools,
        faults: read.faults,
        unknown_fields: read.unknown,
    };
    match args.output {
        Format::Json => say_json_of(&report)?,
        Format::Text => print(&report),
    }
    Ok(ExitCode::from(u8::from(!report.faults.is_empty())))
}

impl Read {
    fn file(&mut self, path: &Path) -> Result<()> {
        let failed = |error: io::Error| Usage(format!("cannot read {}: {error}", path.display()));
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            self.lines(&name, &mut io::stdin().lock()).map_err(failed)?;
        } else {
            let file = File::open(path).map_err(failed)?;
            self.lines(&name, &mut BufReader::new(file))
                .map_err(failed)?;
        }
        Ok(())
    }

    fn lines(&mut self, file: &str, reader: &mut impl BufRead) -> io::Result<()> {
        let progress = io::stderr().is_terminal();
        let mut number = 0;
        while let Some(line) = lines::next(reader)? {
            number += 1;
            let read = match &line {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => self.line(file, number, text),
                Err(fault) => Err((*fault).to_owned()),
            };
            if let Err(fault) = read {
                let file = file.to_owned();
                let line = number;
                self.faults.push(Fault { file, line, fault });
            }
            if progress && number % 100 == 0 {
                let _ = write!(io::stderr(), "\r{file}: {number} lines");
            }
        }
        if progress {
            let _ = writeln!(io::stderr(), "\r{file}: {number} lines");
        }
        Ok(())
    }

    fn line(&mut self, file: &str, number: usize, text: &str) -> Result<(), String> {
        let read = ::catalog::read_entry(text, Origin::Imported).map_err(|error| error.0)?;
        let slug = &read.server.slug;
        if let Some(place) = self.places.get(slug) {
            return Err(format!("slug: {slug} is there already, in {place}"));
        }
        self.places
            .insert(slug.clone(), format!("{file}, line {number}"));
        for field in read.unknown {
            *self.unknown.entry(field).or_default() += 1;
        }
        self.entries.push(Entry {
            server: read.server,
            tools: read.tools,
            releases: Vec::new(),
        });
        Ok(())
    }
}

fn print(report: &Report) {
    for fault in report.faults.iter().take(FAULTS_SHOWN) {
        let line = format!("{}, line {}: {}", fault.file, fault.line, fault.fault);
        complain(&visible(&line));
    }
    if report.faults.len() > FAULTS_SHOWN {
        complain(&format!(
            "{} more lines are bad",
            report.faults.len() - FAULTS_SHOWN
        ));
    }
    for (field, lines) in &report.unknown_fields {
        let line = format!("the field {field} is passed over, in {lines} lines");
        complain(&visible(&line));
    }
    if !report.loaded {
        return say("nothing is loaded, since a line is bad");
    }
    say(&format!(
        "added {}, changed {}, unchanged {}, kept {}; {} tools; {} bad lines",
        report.added,
        report.changed,
        report.unchanged,
        report.kept,
        report.tools,
        report.faults.len()
    ));
}

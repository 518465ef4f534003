//! Does everything in a journal of `streamd` again and shows the first step that comes out differently.
//!
//! ```sh
//! streamd --journal day.jsonl
//! cargo run -p levada-minimal --bin replay -- day.jsonl
//! curl http://127.0.0.1:8080/v1/journal | cargo run -p levada-minimal --bin replay -- -
//! ```
//!
//! The exit code is 0 if all came out the same, 1 if not, 2 if the journal could not be read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use levada_control::{Difference, Entry, Plane, Snapshot, replay};
use serde::Deserialize;
use serde_json::Value;

#[derive(Parser)]
struct Args {
    /// The journal, `-` for standard input.
    journal: String,
    /// Say nothing while it goes on.
    #[arg(long)]
    quiet: bool,
}

/// What a journal begins with.
#[derive(Deserialize)]
struct Begin {
    snapshot: Snapshot,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all came out the same.
fn run(args: &Args) -> anyhow::Result<bool> {
    let (mut journal, size): (Box<dyn BufRead>, u64) = match args.journal.as_str() {
        "-" => (Box::new(io::stdin().lock()), 0),
        path => {
            let file = File::open(path).with_context(|| format!("cannot read {path}"))?;
            let size = file.metadata()?.len();
            (Box::new(BufReader::new(file)), size)
        }
    };
    let mut line = String::new();
    let mut read = journal.read_line(&mut line)? as u64;
    let begin: Begin = serde_json::from_str(&line)
        .context("the first line is not {\"snapshot\": …}: is this a journal of streamd?")?;
    let mut plane = Plane::rewind(begin.snapshot);
    let mut progress = Progress { size, shown: Instant::now(), begin: Instant::now() };
    let mut steps = 0_u64;
    loop {
        line.clear();
        read += journal.read_line(&mut line)? as u64;
        if line.is_empty() {
            break;
        }
        if !line.ends_with('\n') {
            // Whoever wrote it was killed at it.
            eprintln!("line {} is cut off: the journal ends before it", steps + 2);
            break;
        }
        let entry: Entry =
            serde_json::from_str(&line).with_context(|| format!("line {}", steps + 2))?;
        if let Err(difference) = replay(&mut plane, &[entry]) {
            println!("line {} comes out differently", steps + 2);
            return show(&difference).map(|()| false);
        }
        steps += 1;
        if !args.quiet {
            progress.at(steps, read);
        }
    }
    println!("{steps} steps came out the same");
    Ok(true)
}

/// The step, and everything in its answer and actions that is not the same.
fn show(difference: &Difference) -> anyhow::Result<()> {
    let Difference { written, found, .. } = difference;
    println!("  step     {}", serde_json::to_string(&written.step)?);
    let mut all = Vec::new();
    compare("", &serde_json::to_value(written)?, &serde_json::to_value(found)?, &mut all);
    let Some((place, written, found)) = all.first() else { bail!("but nothing of it is written") };
    println!("  at       {place}");
    println!("  written  {written}");
    println!("  found    {found}");
    if all.len() > 1 {
        println!("  and {} more", all.len() - 1);
    }
    Ok(())
}

type Place = (String, Value, Value);

/// Where two values differ, as deep inside as can be said.
fn compare(place: &str, written: &Value, found: &Value, all: &mut Vec<Place>) {
    match (written, found) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for ((key, a), b) in a.iter().zip(b.values()) {
                compare(&format!("{place}/{key}"), a, b, all);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let item = |it: &[Value]| it.get(index).cloned().unwrap_or_default();
                compare(&format!("{place}/{index}"), &item(a), &item(b), all);
            }
        }
        _ if written == found => {}
        _ => all.push((place.to_owned(), written.clone(), found.clone())),
    }
}

/// Says how far it is, twice a second.
struct Progress {
    size: u64,
    shown: Instant,
    begin: Instant,
}

impl Progress {
    fn at(&mut self, steps: u64, read: u64) {
        if self.shown.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.shown = Instant::now();
        let rate = steps as f64 / self.begin.elapsed().as_secs_f64();
        let part = match self.size {
            0 => String::new(),
            size => format!("{:4.0} %", 100.0 * read as f64 / size as f64),
        };
        let end = if io::stderr().is_terminal() { "\r" } else { "\n" };
        let _ = write!(io::stderr().lock(), "{steps:10} steps {part}  {rate:9.0} a second{end}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_by_their_place() {
        let mut all = Vec::new();
        let (written, found) =
            (json!({"a": [1, {"b": 2}], "c": 3}), json!({"a": [1, {"b": 4}, 5], "c": 3}));
        compare("", &written, &found, &mut all);
        let places: Vec<_> = all.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(places, ["/a/1/b", "/a/2"]);
        assert_eq!((&all[0].1, &all[0].2), (&json!(2), &json!(4)));
        assert_eq!((&all[1].1, &all[1].2), (&Value::Null, &json!(5)));
    }
}

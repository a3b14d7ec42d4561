//! `cloudbuild logs PACKAGE`: the log of a build, to its end or as it grows.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::Context;
use super::args::LogsArgs;
use super::exit::{Exit, Failure};
use super::jobs::{self, JobLine, Jobs, Mark};
use super::output::{Format, Output, clean};
use crate::core::suggest::nearest;

/// How often a growing log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Shows the log of a package's build.
pub fn logs(ctx: &Context, args: &LogsArgs) -> anyhow::Result<Exit> {
    let state = ctx.state_here()?;
    let mut jobs = jobs::read(&state)?;
    // A job that has not begun has no log yet; who follows waits for it, as long as the job may still begin.
    while args.follow && needs_patience(pick(&jobs, &args.package)?) {
        std::thread::sleep(POLL);
        jobs = jobs::read(&state)?;
    }
    let job = pick(&jobs, &args.package)?;
    let Some(log) = &job.log else {
        let failure = Failure::new(Exit::Usage, format!("{} has no log: it is {}", job.title(), job.state));
        return Err(failure.hint("`cloudbuild logs -f` waits until its build begins").into());
    };
    let mut sink = Sink::new(&ctx.output);
    let mut ended = || if args.follow { jobs::has_ended(&state, job.job) } else { Ok(true) };
    let shown = follow(log, &mut |bytes| sink.take(bytes), &mut ended, POLL).and_then(|()| sink.end());
    match shown {
        // Who closed the pipe has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
        Err(error) => Err(error),
        Ok(()) => Ok(Exit::Done),
    }
}

fn needs_patience(job: &JobLine) -> bool {
    job.log.is_none() && jobs::mark(&job.state) == Mark::Open
}

/// The job that a word means: a job's id, a source package, or `PACKAGE:ARCH`; of several the last one with a log.
pub fn pick<'a>(jobs: &'a Jobs, word: &str) -> Result<&'a JobLine, Failure> {
    let (name, arch) = word.split_once(':').map_or((word, None), |(name, arch)| (name, Some(arch)));
    let meant = |job: &&JobLine| {
        job.job.to_string() == word || (job.source == name && arch.is_none_or(|arch| arch == job.arch))
    };
    let all = || jobs.jobs.iter().filter(meant);
    if let Some(job) = all().rfind(|job| job.log.is_some()).or_else(|| all().next_back()) {
        return Ok(job);
    }
    let message = format!("no job of run {} builds `{}`", jobs.run, clean(word));
    let hint = match nearest(name, jobs.jobs.iter().map(|job| job.source.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`cloudbuild status` lists the jobs".to_owned(),
    };
    Err(Failure::new(Exit::Usage, message).hint(hint))
}

/// Hands over what is in a file, and what it grows by, until `ended` says yes; asks that before it reads, so that
/// nothing that was written before the end is missed.
pub fn follow(
    path: &Path,
    take: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ended: &mut dyn FnMut() -> anyhow::Result<bool>,
    poll: Duration,
) -> anyhow::Result<()> {
    let mut file: Option<File> = None;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let last = ended()?;
        if file.is_none() {
            file = match File::open(path) {
                Ok(file) => Some(file),
                // The file appears with the first bytes of the log.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !last => None,
                Err(error) => {
                    let message = format!("cannot read the log `{}`", path.display());
                    return Err(Failure::new(Exit::Infrastructure, message).because(error).into());
                }
            };
        }
        if let Some(file) = &mut file {
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    count => take(&buffer[..count])?,
                }
            }
        }
        if last {
            return Ok(());
        }
        std::thread::sleep(poll);
    }
}

/// Where log bytes go: as they are into a pipe, cleaned line by line to a terminal, one object a line with `--json`.
struct Sink {
    format: Format,
    raw: bool,
    rest: Vec<u8>,
}

impl Sink {
    fn new(output: &Output) -> Sink {
        let raw = output.format == Format::Text && !std::io::stdout().is_terminal();
        Sink { format: output.format, raw, rest: Vec::new() }
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.raw {
            return print(bytes);
        }
        self.rest.extend_from_slice(bytes);
        while let Some(newline) = memchr::memchr(b'\n', &self.rest) {
            let line: Vec<u8> = self.rest.drain(..=newline).collect();
            self.line(&line)?;
        }
        Ok(())
    }

    fn line(&self, line: &[u8]) -> anyhow::Result<()> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        let shown = match self.format {
            Format::Json => serde_json::json!({"line": text}).to_string(),
            Format::Text => clean(text),
        };
        print(format!("{shown}\n").as_bytes())
    }

    /// What is left: a last line without a newline.
    fn end(&mut self) -> anyhow::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() { Ok(()) } else { self.line(&rest) }
    }
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::jobs;
    use super::*;

    #[test]
    fn a_job_is_named_by_package_architecture_or_id() {
        let jobs = jobs();
        for word in ["libfoo", "libfoo:amd64", "j2"] {
            assert_eq!(pick(&jobs, word).map(|job| job.job.0).ok(), Some(2), "{word}");
        }
        let failure = pick(&jobs, "libfo").expect_err("no such package");
        assert_eq!(failure.to_string(), "no job of run r1 builds `libfo`\nhint: did you mean `libfoo`?");
        assert!(pick(&jobs, "libfoo:arm64").is_err());
    }

    #[test]
    fn following_a_log_hands_over_what_is_written_until_the_job_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("j1-1.log");
        let mut text = Vec::new();
        let mut turn = 0;
        // The log appears late, grows between two looks, and gets its last line just before the job ends.
        let mut ended = || {
            turn += 1;
            match turn {
                1 => {}
                2 => std::fs::write(&path, "one\n")?,
                3 => std::fs::write(&path, "one\ntwo\n")?,
                _ => std::fs::write(&path, "one\ntwo\nlast")?,
            }
            Ok(turn == 4)
        };
        let mut take = |bytes: &[u8]| {
            text.extend_from_slice(bytes);
            Ok(())
        };
        follow(&path, &mut take, &mut ended, Duration::ZERO).expect("followed");
        assert_eq!(String::from_utf8_lossy(&text), "one\ntwo\nlast");
    }

    #[test]
    fn a_log_that_is_gone_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone.log");
        let error = follow(&path, &mut |_| Ok(()), &mut || Ok(true), Duration::ZERO).expect_err("it is gone");
        assert!(error.to_string().starts_with("cannot read the log `") && error.to_string().contains("gone.log"));
    }
}

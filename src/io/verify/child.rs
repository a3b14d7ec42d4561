//! The process that looks: started by [`ask`], and [`serve`] in it.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Answer, BadUpload, Question, look};
use crate::core::debian::changes::Dsc;
use crate::core::job::Fault;
use crate::io::clock;
use crate::io::state::artifacts::Artifact;

/// The word that makes the program look at an upload.
pub const COMMAND: &str = "verify-upload";

/// Address space in bytes: the decoders' own limits are below this, and so is everything else that is read.
const MEMORY: u64 = 2 << 30;

/// Processor time in seconds; the largest packages of known archives take a tenth of it to be hashed.
const CPU: u64 = 600;

/// Wall time, for a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(1200);

/// How often it is looked whether it ended.
const LOOK: Duration = Duration::from_millis(5);

/// The longest answer that is read, in bytes: 4096 files with the longest control paragraphs that people write.
const LONGEST: u64 = 256 << 20;

/// Has an upload looked at by `program`, this one, in a process with limits.
pub fn ask(program: &Path, question: &Question) -> Result<Vec<Artifact>, BadUpload> {
    let failed = |error: std::io::Error| BadUpload {
        fault: Fault::Infrastructure,
        reason: format!("nobody could look at the files: `{}`: {error}", program.display()),
    };
    let mut child = Command::new(program)
        .arg(COMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let asked = serde_json::to_vec(question).expect("plain data always becomes JSON");
    let writing = std::thread::spawn(move || input.map(|mut input| input.write_all(&asked)));
    let reading = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let read = output.map(|output| output.take(LONGEST).read_to_end(&mut answer));
        read.transpose().map(|_| answer)
    });
    let began = clock::instant();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if is_over(began) {
            // It may have ended just now, which is as good.
            drop(child.kill());
            break child.wait().map_err(failed)?;
        }
        std::thread::sleep(LOOK);
    };
    // Who ended early did not read everything, and then its answer says why.
    drop(writing.join());
    let answer = reading.join().ok().and_then(Result::ok).unwrap_or_default();
    match serde_json::from_slice(&answer) {
        Ok(Answer::Good { artifacts }) if status.success() => Ok(artifacts),
        Ok(Answer::Bad { upload }) if status.success() => Err(upload),
        Ok(Answer::Good { .. } | Answer::Bad { .. }) | Err(_) => {
            let how = match status.signal() {
                Some(signal) => format!("was ended by signal {signal}"),
                None => format!("returned {}", status.code().unwrap_or(-1)),
            };
            let reason = format!("looking at the files {how}: they take more memory or time than any build's");
            Err(BadUpload { fault: Fault::Unknown, reason })
        }
    }
}

fn is_over(began: Instant) -> bool {
    clock::instant().saturating_duration_since(began) > PATIENCE
}

/// In the process that looks: limits itself, reads the question and prints the answer.
pub fn serve() -> std::io::Result<()> {
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Cpu, CPU),
        // No file can grow; a pipe is none.
        (Resource::Fsize, 0),
        (Resource::Nofile, 32),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    let question: Question = serde_json::from_reader(std::io::stdin().lock())?;
    let looked = std::fs::read(&question.dsc)
        .map_err(|error| BadUpload::transfer(format!("`{}` cannot be read: {error}", question.dsc.display())))
        .and_then(|bytes| {
            let what = |error: &dyn std::fmt::Display| format!("the source package cannot be read: {error}");
            Dsc::parse(&bytes).map_err(|error| BadUpload::contents(what(&error)))
        })
        .and_then(|dsc| look(&question.dir, &question.files, &question.wanted, &dsc));
    let answer = match looked {
        Ok(artifacts) => Answer::Good { artifacts },
        Err(upload) => Answer::Bad { upload },
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    out.flush()
}

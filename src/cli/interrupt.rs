//! Ctrl-C: once, finish what runs and stop; twice, stop now.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::primitives::{Pace, Signals};

/// The signals of the process, caught from when this is made.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Catches SIGINT and SIGTERM from now on; to be called inside the runtime.
    pub fn catch() -> std::io::Result<Interrupts> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Interrupts { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Slows the run down at each signal and says what happens; never ends by itself, so it is spawned and aborted.
    /// Where bars are drawn, `say` hands the line to them as a note, since a print of its own would tear them.
    pub async fn slow_down(mut self, signals: Arc<Signals>, say: impl Fn(&str) + Send) {
        loop {
            let caught = tokio::select! {
                caught = self.interrupt.recv() => caught,
                caught = self.terminate.recv() => caught,
            };
            if caught.is_none() {
                return;
            }
            let (pace, line) = next(signals.pace());
            // People hear it before what they asked for happens.
            say(line);
            signals.slow_to(pace);
        }
    }
}

/// Waits for Ctrl-C, or for being asked to end.
pub fn wait() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let Interrupts { mut interrupt, mut terminate } = Interrupts::catch()?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

/// The pace after one more signal, and what people are told.
pub fn next(pace: Pace) -> (Pace, &'static str) {
    match pace {
        Pace::Go => {
            (Pace::Drain, "stopping: what builds now is finished, nothing more is begun; once more stops it now")
        }
        Pace::Drain => (Pace::Halt, "stopping now: running builds are ended; start the recipe again to go on"),
        Pace::Halt => (Pace::Halt, "still stopping: running builds are being ended"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn one_signal_drains_and_a_second_one_halts() {
        let signals = Arc::new(Signals::default());
        let interrupts = Interrupts::catch().expect("signals can be caught");
        let said = Arc::new(Mutex::new(Vec::new()));
        let ear = said.clone();
        let say = move |line: &str| ear.lock().expect("nobody panics here").push(line.to_owned());
        let task = tokio::spawn(interrupts.slow_down(signals.clone(), say));
        let mut paces = signals.paces();
        let me = rustix::process::getpid();
        for (signal, pace) in [(rustix::process::Signal::INT, Pace::Drain), (rustix::process::Signal::TERM, Pace::Halt)]
        {
            rustix::process::kill_process(me, signal).expect("one may signal oneself");
            paces.wait_for(|now| *now == pace).await.expect("signals live");
        }
        task.abort();
        let said = said.lock().expect("nobody panics here");
        assert_eq!(said.len(), 2);
        assert!(said[0].contains("once more stops it now") && said[1].starts_with("stopping now"), "{said:?}");
    }
}

//! Bars on a terminal: one line a stage, below them the failed jobs, which stay in sight.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::lines::lines;
use crate::cli::jobs::{Mark, mark};
use crate::cli::output::{Format, clean};
use crate::core::events::{Event, Listener};

/// How often the times on show move on.
const TICK: Duration = Duration::from_millis(250);

/// How many failed jobs have a line of their own.
const FAILED_LINES: usize = 8;

/// Steps whose progress counts bytes; that of others counts things.
const STEPS_IN_BYTES: &[&str] = &["import", "fetch", "download"];

/// Draws bars as events come, and as time passes.
pub struct Bars(Arc<Mutex<Screen>>);

struct Screen {
    multi: MultiProgress,
    board: Board,
    stages: BTreeMap<String, ProgressBar>,
    failed: Vec<ProgressBar>,
    step: Option<(String, ProgressBar)>,
    began: Instant,
}

impl Bars {
    /// Draws on the stream for people of that format.
    pub fn new(format: Format) -> Bars {
        Bars::on(match format {
            Format::Text => ProgressDrawTarget::stdout(),
            Format::Json => ProgressDrawTarget::stderr(),
        })
    }

    /// Whether nothing would be seen: the terminal cannot move its cursor.
    pub fn is_hidden(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).multi.is_hidden()
    }

    fn on(target: ProgressDrawTarget) -> Bars {
        let screen = Arc::new(Mutex::new(Screen {
            multi: MultiProgress::with_draw_target(target),
            board: Board::default(),
            stages: BTreeMap::new(),
            failed: Vec::new(),
            step: None,
            began: Instant::now(),
        }));
        let watched = Arc::downgrade(&screen);
        std::thread::spawn(move || tick(&watched));
        Bars(screen)
    }
}

/// Moves the times on, until the bars are gone.
fn tick(screen: &Weak<Mutex<Screen>>) {
    loop {
        std::thread::sleep(TICK);
        match screen.upgrade() {
            Some(screen) => screen.lock().unwrap_or_else(PoisonError::into_inner).refresh(),
            None => return,
        }
    }
}

impl Listener for Bars {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let mut screen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        screen.end_step();
        screen.refresh();
        // What is on show stays there as the last state.
        screen.stages.values().chain(&screen.failed).for_each(ProgressBar::abandon);
    }
}

impl Screen {
    fn hear(&mut self, event: &Event) {
        self.board.hear(event, self.began.elapsed());
        match event {
            Event::Working { step, what } => self.begin_step(step, what),
            Event::Progress { step, done, total } => self.move_step(step, *done, *total),
            Event::StageStarted { stage, jobs, .. } => {
                self.end_step();
                let bar = self.insert_above_failed(
                    ProgressBar::new(*jobs).with_style(style("{prefix} [{bar:24.green}] {pos}/{len} {wide_msg}")),
                );
                bar.set_prefix(clean(stage));
                if let Some(before) = self.stages.insert(stage.clone(), bar) {
                    before.finish_and_clear();
                }
            }
            Event::JobFinished { state, .. } if mark(state) == Mark::Bad => {
                self.print(event);
                self.list_failed();
            }
            Event::JobStarted { .. } | Event::JobFinished { .. } => {}
            Event::StageFinished { .. } => self.end_step(),
            Event::Note { .. } | Event::Outdated { .. } => self.print(event),
            Event::Published { .. } | Event::Proved { .. } => {
                self.end_step();
                self.print(event);
            }
        }
        self.refresh();
    }

    /// Prints the lines of an event above the bars.
    fn print(&self, event: &Event) {
        for line in lines(event) {
            // A terminal that is gone shows nothing; the run goes on.
            let _ = self.multi.println(line);
        }
    }

    fn insert_above_failed(&self, bar: ProgressBar) -> ProgressBar {
        match self.failed.first() {
            Some(first) => self.multi.insert_before(first, bar),
            None => self.multi.add(bar),
        }
    }

    fn refresh(&self) {
        let now = self.began.elapsed();
        for stage in &self.board.stages {
            if let Some(bar) = self.stages.get(&stage.name) {
                bar.set_length(stage.jobs);
                bar.set_position(stage.done);
                bar.set_message(stage.detail(now));
            }
        }
        if let Some((_, bar)) = &self.step {
            bar.tick();
        }
    }

    /// Keeps a line for each failed job, and one that counts those which have none.
    fn list_failed(&mut self) {
        let failed = &self.board.failed;
        let at = failed.len().saturating_sub(1).min(FAILED_LINES);
        if self.failed.len() <= at {
            self.failed.push(self.multi.add(ProgressBar::new(0).with_style(style("{wide_msg:.red}"))));
        }
        let text = match failed.len().checked_sub(FAILED_LINES).filter(|more| *more > 0) {
            Some(more) => format!("and {more} more failed"),
            None => failed.last().cloned().unwrap_or_default(),
        };
        self.failed[at].set_message(text);
    }

    fn begin_step(&mut self, step: &str, what: &str) {
        let text = format!("{}: {}", clean(step), clean(what));
        match &self.step {
            Some((now, bar)) if now == step => bar.set_message(text),
            Some(_) | None => {
                self.end_step();
                let bar =
                    self.insert_above_failed(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")));
                bar.set_message(text);
                self.step = Some((step.to_owned(), bar));
            }
        }
    }

    fn move_step(&mut self, step: &str, done: u64, total: u64) {
        let Some((now, bar)) = &self.step else { return };
        if now != step {
            return;
        }
        let bytes = STEPS_IN_BYTES.contains(&step);
        bar.set_style(style(match (bytes, total > 0) {
            (true, true) => "{spinner} [{bar:16.green}] {bytes}/{total_bytes} {eta} {wide_msg}",
            (true, false) => "{spinner} {bytes} {wide_msg}",
            (false, true) => "{spinner} [{bar:16.green}] {pos}/{len} {wide_msg}",
            (false, false) => "{spinner} {pos} {wide_msg}",
        }));
        if total > 0 {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    fn end_step(&mut self) {
        if let Some((_, bar)) = self.step.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("every template is in this file, and a test draws them all")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests;

//! Bars on a terminal that only exists in memory.

use indicatif::TermLike;

use super::*;
use crate::core::ids::JobId;

/// A terminal of 70 columns that keeps what is on it, and wraps as terminals do: before the 71st character.
#[derive(Debug, Clone, Default)]
struct Screenful(Arc<Mutex<Grid>>);

#[derive(Debug, Default)]
struct Grid {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Grid {
    fn put(&mut self, character: char) {
        if character == '\n' || self.column == 70 {
            (self.row, self.column) = (self.row + 1, 0);
        }
        self.lines.resize(self.lines.len().max(self.row + 1), vec![' '; 70]);
        match character {
            '\n' => {}
            '\r' => self.column = 0,
            _ => {
                self.lines[self.row][self.column] = character;
                self.column += 1;
            }
        }
    }
}

impl Screenful {
    fn contents(&self) -> String {
        let grid = self.grid();
        let lines: Vec<String> = grid.lines.iter().map(|line| line.iter().collect::<String>()).collect();
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    fn grid(&self) -> std::sync::MutexGuard<'_, Grid> {
        self.0.lock().expect("nobody panics here")
    }
}

impl TermLike for Screenful {
    fn width(&self) -> u16 {
        70
    }
    fn height(&self) -> u16 {
        50
    }
    fn move_cursor_up(&self, count: usize) -> std::io::Result<()> {
        let mut grid = self.grid();
        grid.row = grid.row.saturating_sub(count);
        Ok(())
    }
    fn move_cursor_down(&self, count: usize) -> std::io::Result<()> {
        self.grid().row += count;
        Ok(())
    }
    fn move_cursor_right(&self, count: usize) -> std::io::Result<()> {
        self.grid().column += count;
        Ok(())
    }
    fn move_cursor_left(&self, count: usize) -> std::io::Result<()> {
        let mut grid = self.grid();
        grid.column = grid.column.saturating_sub(count);
        Ok(())
    }
    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }
    fn write_str(&self, text: &str) -> std::io::Result<()> {
        let mut grid = self.grid();
        text.chars().for_each(|character| grid.put(character));
        Ok(())
    }
    fn clear_line(&self) -> std::io::Result<()> {
        let mut grid = self.grid();
        let row = grid.row;
        grid.column = 0;
        grid.lines.get_mut(row).into_iter().for_each(|line| line.fill(' '));
        Ok(())
    }
    fn flush(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn finished(number: i64, state: &str) -> Event {
    Event::JobFinished {
        stage: "base".into(),
        job: JobId(number),
        source: format!("p{number}"),
        version: "1".into(),
        arch: "amd64".into(),
        state: state.into(),
        reused: false,
        seconds: 10,
        reason: Some("build: exit 2".into()),
        log: Some("/s/j.log".into()),
        tail: vec!["Error 2".into()],
    }
}

fn bars() -> (Bars, Screenful) {
    let term = Screenful::default();
    let target: Box<dyn TermLike> = Box::new(term.clone());
    (Bars::on(ProgressDrawTarget::term_like_with_hz(target, 255)), term)
}

#[test]
fn the_failed_list_stays_below_the_stages() {
    let (bars, term) = bars();
    bars.hear(&Event::StageStarted { stage: "base".into(), jobs: 20, done: 0 });
    for number in 1..=10 {
        bars.hear(&finished(number, "build-attempted"));
    }
    drop(bars);
    let screen = term.contents();
    let tail: Vec<&str> = screen.lines().rev().take(10).collect();
    assert_eq!(tail[0].trim_end(), "and 2 more failed", "{screen}");
    assert_eq!(tail[1].trim_end(), "failed  p8 1 (amd64): build: exit 2", "{screen}");
    assert_eq!(tail[8].trim_end(), "failed  p1 1 (amd64): build: exit 2", "{screen}");
    assert!(tail[9].starts_with("base [===") && tail[9].contains("10/20 10 failed"), "{screen}");
    assert!(screen.contains("    | Error 2\n    log: /s/j.log"), "{screen}");
}

#[test]
fn a_step_shows_its_progress_and_goes_when_the_next_thing_begins() {
    let (bars, term) = bars();
    for (step, total) in [("import", 0), ("import", 2048), ("order", 0), ("order", 9)] {
        bars.hear(&Event::Working { step: step.into(), what: "at work".into() });
        bars.hear(&Event::Progress { step: step.into(), done: 1, total });
        assert!(term.contents().contains(&format!("{step}: at work")), "{}", term.contents());
    }
    bars.hear(&Event::Note { text: "mind this".into() });
    bars.hear(&Event::StageStarted { stage: "base".into(), jobs: 1, done: 0 });
    drop(bars);
    let screen = term.contents();
    assert!(screen.contains("note: mind this") && !screen.contains("at work"), "{screen}");
}

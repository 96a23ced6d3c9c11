//! A performance as a picture: time goes down, each domain has a column, as in the paper.

use super::Log;
use crate::urpc::svg::{COLOURS, Svg};

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 760.0;
const TOP: f64 = 110.0;
const BOTTOM: f64 = 60.0;
const BAR: f64 = 26.0;

/// Where the columns are: the window manager, the editor's threads, the file cache manager. The editor is in the middle,
/// because messages go from it to both sides.
const WINDOW_MANAGER: f64 = 180.0;
const THREAD_1: f64 = 360.0;
const THREAD_2: f64 = 450.0;
const FILE_CACHE: f64 = 640.0;

/// Differences in time below which two labels would cover each other, in points.
const LABEL: f64 = 15.0;

struct Picture {
    svg: Svg,
    start: u64,
    scale: f64,
    /// Where the last label of the right column ended.
    lowest: f64,
}

impl Picture {
    fn y(&self, time: u64) -> f64 {
        TOP + time.saturating_sub(self.start) as f64 * self.scale
    }

    fn bar(&mut self, x: f64, from: u64, to: u64, colour: &str) {
        let (from, to) = (self.y(from), self.y(to));
        self.svg.rectangle((x - BAR / 2.0, from), (BAR, (to - from).max(1.5)), colour, "#222222");
    }

    /// A message, from the edge of one bar to that of another.
    fn message(&mut self, from: (f64, u64), to: (f64, u64), colour: &str) {
        let side = if from.0 < to.0 { BAR / 2.0 } else { -BAR / 2.0 };
        let from = (from.0 + side, self.y(from.1));
        let to = (to.0 - side, self.y(to.1));
        self.svg.arrow(from, to, colour);
    }

    fn label(&mut self, x: f64, time: u64, text: &str) {
        let y = (self.y(time) + 4.0).max(self.lowest + LABEL);
        self.lowest = y;
        self.svg.text(x, y, 12, "start", text);
    }
}

/// The picture of `log`; `summary` says what of all performances it stands for.
pub(super) fn svg(log: &Log, summary: &str) -> String {
    let (start, end) = (log.start(), log.end());
    let span = end.saturating_sub(start).max(1) as f64;
    let mut picture =
        Picture { svg: Svg::new(WIDTH, HEIGHT), start, scale: (HEIGHT - TOP - BOTTOM) / span, lowest: f64::MIN };
    let [blue, orange, green, purple, ..] = COLOURS;
    let svg = &mut picture.svg;
    svg.text(30.0, 30.0, 17, "start", "An editor, a window manager and a file cache manager; processors 1, 1 and 0");
    svg.text(30.0, 50.0, 12, "start", summary);
    for (x, name, processors) in [
        (WINDOW_MANAGER, "window manager", "1 processor"),
        (f64::midpoint(THREAD_1, THREAD_2), "editor", "1 processor"),
        (FILE_CACHE, "file cache manager", "0 processors"),
    ] {
        svg.text(x, 76.0, 14, "middle", name);
        svg.text(x, 92.0, 11, "middle", processors);
    }
    svg.text(THREAD_1, TOP - 5.0, 11, "middle", "T1");
    svg.text(THREAD_2, TOP - 5.0, 11, "middle", "T2");
    for x in [WINDOW_MANAGER, THREAD_1, THREAD_2, FILE_CACHE] {
        svg.line((x, TOP), (x, HEIGHT - BOTTOM), "#cccccc", 1.0);
    }
    axis(&mut picture, span);
    let Log { window, first, second, began, .. } = log;
    // What ran. A thread that has been answered may still wait for the processor: it goes on when its log says so.
    picture.bar(WINDOW_MANAGER, window.entered, window.left, green);
    picture.bar(THREAD_1, window.called, window.called, blue);
    picture.bar(THREAD_1, window.returned, first.called, blue);
    picture.bar(THREAD_2, *began, second.called, blue);
    picture.bar(FILE_CACHE, second.entered, second.left, orange);
    picture.bar(FILE_CACHE, first.entered, first.left, orange);
    for (thread, call) in [(THREAD_1, first), (THREAD_2, second)] {
        picture.bar(thread, call.returned, call.returned, blue);
        picture.message((thread, call.called), (FILE_CACHE, call.entered), blue);
        picture.message((FILE_CACHE, call.left), (thread, call.returned), orange);
    }
    picture.message((THREAD_1, window.called), (WINDOW_MANAGER, window.entered), blue);
    picture.message((WINDOW_MANAGER, window.left), (THREAD_1, window.returned), green);
    let x = FILE_CACHE + BAR;
    for (from, entered, left) in log.visits() {
        let (from, given, back) = (picture.y(from), picture.y(entered), picture.y(left));
        picture.svg.rectangle((x, from), (6.0, (given - from).max(2.0)), "#ffffff", purple);
        picture.svg.rectangle((x, given), (6.0, back - given), purple, purple);
        picture.label(x + 12.0, entered, "the editor's processor is here");
        picture.label(x + 12.0, left, "and goes back");
    }
    let legend = format!(
        "bars: what ran, by each process's own log; lines: messages; violet: the processor given ({} donation{} for two calls), \
         white: on its way",
        log.donations,
        if log.donations == 1 { "" } else { "s" }
    );
    picture.svg.text(30.0, HEIGHT - 18.0, 11, "start", &legend);
    picture.svg.end()
}

/// Microseconds, at the left.
fn axis(picture: &mut Picture, span: f64) {
    let microseconds = span / 1e3;
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0, 20_000.0];
    let step = step.into_iter().find(|step| microseconds / step <= 12.0).unwrap_or(100_000.0);
    let mut at = 0.0;
    while at <= microseconds {
        let y = TOP + at * 1e3 * picture.scale;
        picture.svg.line((64.0, y), (72.0, y), "#333333", 1.0);
        picture.svg.text(60.0, y + 4.0, 11, "end", &format!("{at:.0}"));
        at += step;
    }
    picture.svg.line((72.0, TOP), (72.0, HEIGHT - BOTTOM), "#333333", 1.0);
    picture.svg.turned_text(24.0, f64::midpoint(TOP, HEIGHT - BOTTOM), 12, "microseconds");
}

#[cfg(test)]
mod tests {
    use super::super::tests::ideal;

    #[test]
    fn everything_is_inside_the_picture() {
        let text = super::svg(&ideal(), "once");
        assert!(text.contains("editor") && text.contains("1 donation for"));
        for part in text.split(" y=\"").skip(1) {
            let y: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..=super::HEIGHT).contains(&y), "{y}");
        }
        assert!(!text.contains("NaN"));
    }
}

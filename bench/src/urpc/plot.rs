//! Lines over a pair of axes, as SVG: enough for a figure, and no more.

use std::fmt::Write;

use super::svg::{COLOURS, Svg};

/// A figure.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// A line below the title.
    pub(crate) note: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Spacing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// From 0, even.
    Even,
    /// Even, for what is counted: labelled at whole numbers only.
    Whole,
    /// By powers of ten; what is not above 0 is left out.
    Logarithmic,
}

impl Axis {
    fn shows(&self, value: f64) -> bool {
        value.is_finite() && (value > 0.0 || self.scale != Spacing::Logarithmic)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) is_hollow: bool,
    pub(crate) is_ringed: bool,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 180.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 56.0;

/// An axis with its range and the places it is labelled at.
struct Scale {
    is_logarithmic: bool,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let is_logarithmic = axis.scale == Spacing::Logarithmic;
        let (from, to) = values.fold((f64::MAX, f64::MIN), |(from, to), value| (from.min(value), to.max(value)));
        let (from, to) = if from > to { (1.0, 2.0) } else { (from, to) };
        if is_logarithmic {
            // Whole powers if the values span two of them, else steps of 1, 2 and 5.
            let decade = |value: f64| 10_f64.powf(value);
            let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
            let factors: &[f64] = if to / from > 100.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all =
                (low - 1..=high).flat_map(|power| factors.iter().map(move |factor| factor * decade(power.into())));
            let all: Vec<f64> = all.collect();
            let first = all.iter().copied().rfind(|tick| *tick <= from * 1.0001).unwrap_or(from);
            let last = all.iter().copied().find(|tick| *tick >= to * 0.9999).unwrap_or(to);
            let last = if last > first { last } else { first * 10.0 };
            let ticks = all.into_iter().filter(|tick| (first..=last).contains(tick)).collect();
            return Self { is_logarithmic, from: first, to: last, ticks };
        }
        let from = if axis.scale == Spacing::Even { from.min(0.0) } else { from };
        let least = if axis.scale == Spacing::Whole { 1.0 } else { 1e-9 };
        let raw = ((to - from) / 10.0).max(least);
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|step| step * power).find(|step| *step >= raw).unwrap_or(raw);
        let (from, to) = ((from / step).floor() * step, (to / step).ceil() * step);
        let to = if to > from { to } else { from + step };
        let count = ((to - from) / step).round() as u32;
        Self { is_logarithmic, from, to, ticks: (0..=count).map(|at| from + f64::from(at) * step).collect() }
    }

    /// Where `value` is, from 0 to 1.
    fn at(&self, value: f64) -> f64 {
        let part = |value: f64| if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        (part(value) - part(self.from)) / (part(self.to) - part(self.from))
    }
}

/// Without trailing zeros, and with a letter for thousands and millions.
fn short(value: f64) -> String {
    let (value, letter) = match value.abs() {
        big if big >= 1e6 => (value / 1e6, "M"),
        big if big >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = format!("{value:.3}");
    format!("{}{letter}", digits.trim_end_matches('0').trim_end_matches('.'))
}

impl Plot {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let marks = || {
            let all = self.lines.iter().flat_map(|line| &line.marks);
            all.filter(|mark| self.y.shows(mark.y))
        };
        let xs = Scale::of(&self.x, marks().map(|mark| mark.x));
        let ys = Scale::of(&self.y, marks().map(|mark| mark.y));
        let x = |value: f64| LEFT + xs.at(value) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - ys.at(value) * (HEIGHT - TOP - BOTTOM);
        let mut svg = Svg::new(WIDTH, HEIGHT);
        svg.text(LEFT, 26.0, 17, "start", &self.title);
        svg.text(LEFT, 46.0, 12, "start", &self.note);
        for tick in &xs.ticks {
            svg.line((x(*tick), y(ys.from)), (x(*tick), y(ys.to)), "#e4e4e4", 1.0);
            svg.text(x(*tick), HEIGHT - BOTTOM + 18.0, 12, "middle", &short(*tick));
        }
        for tick in &ys.ticks {
            svg.line((x(xs.from), y(*tick)), (x(xs.to), y(*tick)), "#e4e4e4", 1.0);
            svg.text(LEFT - 8.0, y(*tick) + 4.0, 12, "end", &short(*tick));
        }
        svg.line((x(xs.from), y(ys.from)), (x(xs.to), y(ys.from)), "#333333", 1.5);
        svg.line((x(xs.from), y(ys.from)), (x(xs.from), y(ys.to)), "#333333", 1.5);
        svg.text(f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 14.0, 13, "middle", &self.x.label);
        svg.turned_text(22.0, f64::midpoint(TOP, HEIGHT - BOTTOM), 13, &self.y.label);
        for (index, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let shown: Vec<&Mark> = line.marks.iter().filter(|mark| self.y.shows(mark.y)).collect();
            let mut path = String::new();
            for (at, mark) in shown.iter().enumerate() {
                let _ = write!(path, "{}{:.1} {:.1} ", if at == 0 { "M" } else { "L" }, x(mark.x), y(mark.y));
            }
            svg.path(&path, colour);
            for mark in &shown {
                let fill = if mark.is_hollow { "#ffffff" } else { colour };
                svg.circle((x(mark.x), y(mark.y)), 4.0, fill, colour);
                if mark.is_ringed {
                    svg.circle((x(mark.x), y(mark.y)), 9.0, "none", colour);
                }
            }
            let legend = TOP + 12.0 + 22.0 * index as f64;
            svg.line((WIDTH - RIGHT + 16.0, legend), (WIDTH - RIGHT + 44.0, legend), colour, 2.0);
            svg.text(WIDTH - RIGHT + 50.0, legend + 4.0, 13, "start", &line.label);
        }
        svg.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(scale: Spacing, values: &[f64]) -> Scale {
        Scale::of(&Axis { label: String::new(), scale }, values.iter().copied())
    }

    #[test]
    fn scales_hold_their_values() {
        let log = scale(Spacing::Logarithmic, &[3.4, 88_000.0]);
        assert_eq!(log.ticks, [1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0]);
        let narrow = scale(Spacing::Logarithmic, &[150_000.0, 410_000.0]);
        let expected = [100_000.0, 200_000.0, 500_000.0];
        assert!(narrow.ticks.iter().zip(expected).all(|(tick, expected)| (tick / expected - 1.0).abs() < 1e-9));
        assert_eq!(narrow.ticks.len(), 3);
        assert_eq!(scale(Spacing::Even, &[1.0, 5.0]).ticks.len(), 11);
        assert_eq!(scale(Spacing::Whole, &[1.0, 2.0]).ticks, [1.0, 2.0]);
        for values in [&[][..], &[5.0], &[7.0, 7.0]] {
            for spacing in [Spacing::Even, Spacing::Whole, Spacing::Logarithmic] {
                let scale = scale(spacing, values);
                assert!(values.iter().all(|value| (0.0..=1.0).contains(&scale.at(*value))), "{values:?}");
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(250_000.0), short(1e6), short(0.5), short(1234.0)], ["250k", "1M", "0.5", "1234"]);
    }

    #[test]
    fn a_plot_has_all_it_shows() {
        let mark = |x: f64, is_hollow| Mark { x, y: x * 10.0, is_hollow, is_ringed: !is_hollow };
        let axis = |label: &str| Axis { label: label.to_owned(), scale: Spacing::Logarithmic };
        let plot = Plot {
            title: "A & B".to_owned(),
            note: "<note>".to_owned(),
            x: axis("across"),
            y: axis("up"),
            lines: vec![Line { label: "the line".to_owned(), marks: vec![mark(1.0, false), mark(2.0, true)] }],
        };
        let text = plot.svg();
        for part in ["A &amp; B", "&lt;note&gt;", "across", "up", "the line", "</svg>"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(text.matches("<circle").count(), 3);
    }
}

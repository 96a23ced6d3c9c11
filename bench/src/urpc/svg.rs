//! The elements of a picture.

use std::fmt::Write;

/// Colours that differ in brightness, too.
pub(crate) const COLOURS: [&str; 6] = ["#1b4f8f", "#d1660f", "#2f8f46", "#8a2a6b", "#6b6b6b", "#b8960c"];

/// A picture that grows.
#[derive(Debug)]
pub(crate) struct Svg(String);

impl Svg {
    /// An empty one, white.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        ))
    }

    /// `text` at the point, of `size`; `anchor` is start, middle or end.
    pub(crate) fn text(&mut self, x: f64, y: f64, size: u32, anchor: &str, text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"#222222\">{text}</text>"
        );
    }

    /// `text` from below to above, its middle at the point.
    pub(crate) fn turned_text(&mut self, x: f64, y: f64, size: u32, text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.0,
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\" \
             fill=\"#222222\">{text}</text>"
        );
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        let _ = writeln!(
            self.0,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    pub(crate) fn path(&mut self, path: &str, colour: &str) {
        let _ = writeln!(self.0, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
    }

    pub(crate) fn circle(&mut self, at: (f64, f64), radius: f64, fill: &str, colour: &str) {
        let _ = writeln!(
            self.0,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            at.0, at.1
        );
    }

    pub(crate) fn rectangle(&mut self, at: (f64, f64), size: (f64, f64), fill: &str, colour: &str) {
        let _ = writeln!(
            self.0,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" stroke=\"{colour}\"/>",
            at.0, at.1, size.0, size.1
        );
    }

    /// A line with a head at its end.
    pub(crate) fn arrow(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let (x, y) = (to.0 - from.0, to.1 - from.1);
        let length = x.hypot(y);
        if length < 1.0 {
            return;
        }
        let (x, y) = (x / length, y / length);
        self.line(from, to, colour, 1.5);
        let head = |side: f64| (to.0 - 8.0 * x - side * 3.5 * y, to.1 - 8.0 * y + side * 3.5 * x);
        let (left, right) = (head(1.0), head(-1.0));
        let _ = writeln!(
            self.0,
            "<path d=\"M{:.1} {:.1} L{:.1} {:.1} L{:.1} {:.1} Z\" fill=\"{colour}\"/>",
            to.0, to.1, left.0, left.1, right.0, right.1
        );
    }

    /// The whole of it.
    pub(crate) fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

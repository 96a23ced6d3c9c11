//! A plan as an SVG drawing: what is below is drawn below.

use core::fmt::Write;

use super::Plan;

const WIDTH: usize = 150;
const HEIGHT: usize = 40;
const GAP: usize = 30;
const RISE: usize = 50;

pub(super) fn svg(plan: &Plan) -> String {
    // A node's row is one above the highest of what is below it. Nodes come from the bottom up, so one pass does.
    let mut rows: Vec<usize> = Vec::new();
    for planned in &plan.nodes {
        let below = planned.below.iter().filter_map(|(node, _)| rows.get(node.index()));
        rows.push(below.max().map_or(0, |row| row + 1));
    }
    let row_count = rows.iter().max().map_or(0, |row| row + 1);
    let mut counts = vec![0; row_count];
    let mut places = Vec::new();
    for row in &rows {
        let count = counts.get_mut(*row);
        places.push((*row, count.as_deref().copied().unwrap_or(0)));
        if let Some(count) = count {
            *count += 1;
        }
    }
    let widest = counts.iter().copied().max().unwrap_or(0);
    let width = widest * (WIDTH + GAP) + GAP;
    let height = row_count * (HEIGHT + RISE) + GAP;
    let centre = |at: usize| {
        let (row, column) = places.get(at).copied().unwrap_or((0, 0));
        let in_row = counts.get(row).copied().unwrap_or(1);
        let left = (width - in_row * (WIDTH + GAP) + GAP) / 2 + column * (WIDTH + GAP);
        (left + WIDTH / 2, height - GAP - HEIGHT / 2 - row * (HEIGHT + RISE))
    };
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">"
    );
    for (at, planned) in plan.nodes.iter().enumerate() {
        let (x, y) = centre(at);
        for (node, annotations) in &planned.below {
            let (x2, y2) = centre(node.index());
            let dash = if annotations.is_empty() { "" } else { " stroke-dasharray=\"5 3\"" };
            let _ = writeln!(
                svg,
                "<line x1=\"{x}\" y1=\"{}\" x2=\"{x2}\" y2=\"{}\" stroke=\"black\"{dash}/>",
                y + HEIGHT / 2,
                y2 - HEIGHT / 2
            );
            if !annotations.is_empty() {
                let words: Vec<String> = annotations.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let (x, y) = ((x + x2) / 2, usize::midpoint(y, y2));
                let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"#a00\">{}</text>", escaped(&words.join(", ")));
            }
        }
    }
    for (at, planned) in plan.nodes.iter().enumerate() {
        let (x, y) = centre(at);
        let fill = if planned.kind.is_wire() { "#ddd" } else { "#fff" };
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"black\"/>\
             <text x=\"{x}\" y=\"{}\">{}</text>",
            x - WIDTH / 2,
            y - HEIGHT / 2,
            y + 5,
            escaped(&planned.name)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

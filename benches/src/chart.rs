//! Charts as SVG, readable on a light and on a dark page.

use std::fmt::Write as _;

/// An axis.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// What it shows, with its unit.
    pub title: &'static str,
    /// Each step ten times the one before.
    pub log: bool,
    /// How a number on it is written.
    pub show: fn(f64) -> String,
}

/// One line of a chart.
#[derive(Debug)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Colour, by position in the palette.
    pub colour: usize,
    /// Dashed.
    pub dashed: bool,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Told apart by those who see few colours too, on white and on black.
const COLOURS: [&str; 4] = ["#8a8f98", "#c2703d", "#3f8f5f", "#3b7dd8"];
const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 66.0;
const STYLE: &str = "<style>text{font-family:system-ui,sans-serif;fill:#1c2128}\
    .small{font-size:12px;fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}.paper{fill:#fff}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}.paper{fill:#0d1117}}\
    </style>";

fn colour(at: usize) -> &'static str {
    COLOURS.get(at % COLOURS.len()).copied().unwrap_or("#000")
}

fn begin(title: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         {STYLE}\n<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text x=\"20\" y=\"30\" font-size=\"17\" font-weight=\"600\">{title}</text>\n"
    )
}

/// From numbers to places on the paper.
#[derive(Debug, Clone, Copy)]
struct Scale {
    log: bool,
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(axis: Axis, values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Scale {
        let most = values.clone().fold(f64::MIN, f64::max);
        let least = values.fold(f64::MAX, f64::min);
        let (least, most) = match axis.log {
            true => (least.max(f64::MIN_POSITIVE), most.max(least * 1.001)),
            false => (0.0, most.max(f64::MIN_POSITIVE)),
        };
        Scale {
            log: axis.log,
            least,
            most,
            from,
            to,
        }
    }

    /// Ends the scale at whole steps.
    fn rounded(mut self) -> Scale {
        if self.log {
            self.least = 10f64.powf(self.least.log10().floor());
            self.most = 10f64.powf((self.most.log10() - 0.05).ceil());
        } else {
            let step = self.step();
            self.most = (self.most / step).ceil() * step;
        }
        self
    }

    fn at(&self, value: f64) -> f64 {
        let part = match self.log {
            true => (value / self.least).log10() / (self.most / self.least).log10(),
            false => (value - self.least) / (self.most - self.least),
        };
        self.from + (self.to - self.from) * part
    }

    fn step(&self) -> f64 {
        let rough = self.most / 5.0;
        let unit = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * unit);
        steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough)
    }

    fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut at = if self.log {
            10f64.powf(self.least.log10().ceil())
        } else {
            0.0
        };
        while at <= self.most * 1.0001 {
            ticks.push(at);
            at = if self.log {
                at * 10.0
            } else {
                at + self.step()
            };
        }
        ticks
    }
}

/// A chart of lines. `None` when there is nothing to show.
pub fn lines(title: &str, x: Axis, y: Axis, series: &[Series]) -> Option<String> {
    let height = 400.0;
    let points = || series.iter().flat_map(|s| s.points.iter().copied());
    points().next()?;
    let across = Scale::new(x, points().map(|p| p.0), LEFT, WIDTH - RIGHT);
    let up = Scale::new(y, points().map(|p| p.1), height - 56.0, TOP).rounded();
    let mut svg = begin(title, height);
    // Into a String it cannot fail.
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"20\" y=\"{}\">{}</text>",
        TOP - 15.0,
        y.title
    );
    for tick in up.ticks() {
        let (at, text) = (up.at(tick), (y.show)(tick));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
    }
    // The measured places themselves: there are few.
    let mut places: Vec<f64> = points().map(|p| p.0).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    for place in &places {
        let (at, text) = (across.at(*place), (x.show)(*place));
        let bottom = height - 56.0;
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{bottom}\" x2=\"{at:.1}\" y2=\"{:.1}\"/>\
             <text class=\"small\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            bottom + 5.0,
            bottom + 20.0
        );
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        height - 14.0,
        x.title
    );
    let mut names: Vec<(f64, &Series)> = Vec::new();
    for one in series.iter().filter(|one| !one.points.is_empty()) {
        let colour = colour(one.colour);
        let dash = if one.dashed {
            " stroke-dasharray=\"6 4\""
        } else {
            ""
        };
        let path: Vec<String> = one
            .points
            .iter()
            .map(|(px, py)| format!("{:.1},{:.1}", across.at(*px), up.at(*py)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\"{dash} points=\"{}\"/>",
            path.join(" ")
        );
        for (px, py) in &one.points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{colour}\"/>",
                across.at(*px),
                up.at(*py)
            );
        }
        if let Some((_, last)) = one.points.last() {
            names.push((up.at(*last), one));
        }
    }
    // Names at the ends of the lines, pushed apart where they would touch.
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut above = f64::MIN;
    for (at, one) in names {
        let at = at.max(above + 17.0);
        above = at;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"13\" font-weight=\"600\" style=\"fill:{}\">{}</text>",
            WIDTH - RIGHT + 10.0,
            at + 4.0,
            colour(one.colour),
            one.name
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// One group of bars.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Name, colour and value of each bar; a faint bar behind, such as a p99, and its value.
    pub bars: Vec<(String, usize, f64, Option<f64>)>,
}

/// Bars that lie, from a common left edge. `None` when there is nothing to show.
pub fn bars(title: &str, note: &str, show: fn(f64) -> String, groups: &[Group]) -> Option<String> {
    let count: usize = groups.iter().map(|group| group.bars.len()).sum();
    let all = || {
        groups
            .iter()
            .flat_map(|g| &g.bars)
            .flat_map(|bar| [Some(bar.2), bar.3])
            .flatten()
    };
    all().next()?;
    let height = TOP + count as f64 * 26.0 + groups.len() as f64 * 34.0 + 16.0;
    let axis = Axis {
        title: "",
        log: true,
        show,
    };
    let least = all().fold(f64::MAX, f64::min);
    // On a logarithmic scale the shortest bar still needs some length.
    let scale = Scale::new(axis, all().chain([least / 3.0]), LEFT + 30.0, WIDTH - RIGHT);
    let mut svg = begin(title, height);
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"20\" y=\"{}\">{note}</text>",
        TOP - 15.0
    );
    let mut y = TOP - 2.0;
    for group in groups {
        y += 18.0;
        let _ = writeln!(
            svg,
            "<text x=\"20\" y=\"{y:.1}\" font-size=\"13\" font-weight=\"600\">{}</text>",
            group.name
        );
        y += 8.0;
        for (name, paint, value, behind) in &group.bars {
            let paint = colour(*paint);
            let (from, to) = (scale.from, scale.at(*value));
            let mut end = to;
            let mut text = show(*value);
            if let Some(behind) = behind {
                end = scale.at(*behind);
                let _ = write!(text, " / {}", show(*behind));
                let _ = writeln!(
                    svg,
                    "<rect x=\"{from}\" y=\"{:.1}\" width=\"{:.1}\" height=\"18\" rx=\"2\" fill=\"{paint}\" opacity=\"0.35\"/>",
                    y,
                    end - from
                );
            }
            let _ = writeln!(
                svg,
                "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{from}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"18\" rx=\"2\" fill=\"{paint}\"/>\
                 <text class=\"small\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
                from - 8.0,
                y + 13.5,
                to - from,
                end.max(to) + 8.0,
                y + 13.5
            );
            y += 26.0;
        }
        y += 8.0;
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis {
        title: "t",
        log: false,
        show: |v| format!("{v}"),
    };

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let series = [Series {
            name: "a".into(),
            colour: 0,
            dashed: false,
            points: vec![(1.0, 10.0), (1000.0, 100.0)],
        }];
        let log = Axis { log: true, ..AXIS };
        let svg = lines("T", log, log, &series).unwrap();
        assert!(svg.contains("points=\"84.0,344.0 610.0,66.0\""), "{svg}");
        assert!(lines("T", log, log, &[]).is_none());
    }

    #[test]
    fn a_plain_scale_begins_at_nothing_and_ends_at_a_whole_step() {
        let scale = Scale::new(AXIS, [3.0, 47.0].into_iter(), 0.0, 100.0).rounded();
        assert_eq!(scale.ticks(), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(scale.at(25.0), 50.0);
    }
}

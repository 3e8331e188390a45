//! A flame graph as one SVG file. Callers are below; the width of a function is its fuel and that
//! of its callees. A click on a function widens it to the whole graph.

use std::fmt::Write;

use crate::dev::grouped;
use wasmcc_runtime::{FunctionKind, Profile};

/// Sizes in pixels.
const WIDTH: f64 = 1_200.0;
const ROW: usize = 18;
const HEAD: usize = 48;
const LETTER: f64 = 6.7;
/// The narrowest functions that are drawn. A click can widen a function up to this factor.
const NARROWEST: f64 = WIDTH / 100_000.0;
/// Limit on nested calls; deeper ones are left out.
const MAX_ROWS: usize = 256;

const STYLE: &str = "\
text{font:11px monospace;fill:#222;pointer-events:none}
text.head{font:14px sans-serif}
rect{stroke:#fff;stroke-width:.5}
g.f{cursor:pointer}
g.f:hover rect{stroke:#000}";

/// Widens the clicked function and its callers to the graph, and its callees in proportion.
const SCRIPT: &str = r#"
const all = [...document.querySelectorAll('g.f')];
const number = (g, name) => Number(g.getAttribute('data-' + name));
function zoom(to) {
  const [x, w, y] = ['x', 'w', 'y'].map((name) => number(to, name));
  for (const g of all) {
    const [gx, gw] = [number(g, 'x'), number(g, 'w')];
    const below = number(g, 'y') > y && gx <= x && gx + gw >= x + w;
    const [left, wide] = below ? [0, WIDTH] : [(gx - x) * WIDTH / w, gw * WIDTH / w];
    g.style.display = left + wide <= 0.01 || left >= WIDTH - 0.01 ? 'none' : '';
    const [rect, text] = [g.querySelector('rect'), g.querySelector('text')];
    rect.setAttribute('x', left);
    rect.setAttribute('width', wide);
    text.setAttribute('x', left + 3);
    const [name, room] = [g.getAttribute('data-n'), Math.floor((wide - 6) / LETTER)];
    text.textContent = room < 3 ? '' : name.length <= room ? name : name.slice(0, room - 1) + '…';
  }
}
all.forEach((g) => g.addEventListener('click', () => zoom(g)));
"#;

/// A bar of the graph.
struct Bar {
    function: Option<usize>,
    total: u64,
    own: u64,
    /// The units to the left of it.
    before: u64,
    row: usize,
}

/// Returns the file; `title` names the call.
pub(super) fn graph(profile: &Profile, title: &str) -> String {
    let bars = bars(profile);
    let rows = bars.iter().map(|bar| bar.row + 1).max().unwrap_or(1);
    let height = HEAD + rows * ROW + ROW / 2;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\">\n<title>{title}</title>\n<style>\n{STYLE}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"head\" x=\"3\" y=\"18\">{title}</text>\n\
         <text x=\"3\" y=\"36\">{} units of fuel; callers are below; click on a function to widen \
         it</text>\n",
        grouped(profile.fuel()),
        title = escaped(title),
    );
    for bar in &bars {
        draw(&mut svg, profile, bar, height);
    }
    let script = SCRIPT.replace("WIDTH", &WIDTH.to_string());
    let script = script.replace("LETTER", &LETTER.to_string());
    let _ = write!(svg, "<script><![CDATA[{script}]]></script>\n</svg>\n");
    svg
}

/// Returns the bars: the whole call first, then each function after its caller.
fn bars(profile: &Profile) -> Vec<Bar> {
    let totals = profile.totals();
    let mut callees: Vec<Vec<usize>> = vec![Vec::new(); profile.calls.len()];
    let mut outermost = Vec::new();
    for (number, call) in profile.calls.iter().enumerate() {
        match call.caller {
            Some(caller) => callees[caller].push(number),
            None => outermost.push(number),
        }
    }
    let whole = profile.fuel();
    let narrowest = NARROWEST * whole as f64 / WIDTH;
    let mut bars = vec![Bar { function: None, total: whole, own: 0, before: 0, row: 0 }];
    let mut todo = vec![(outermost, 0, 1)];
    while let Some((mut calls, mut before, row)) = todo.pop() {
        let name = |call: &usize| &profile.functions[profile.calls[*call].function].name;
        calls.sort_by(|one, other| name(one).cmp(name(other)));
        for call in calls {
            let (total, stacked) = (totals[call], &profile.calls[call]);
            if total > 0 && total as f64 >= narrowest && row < MAX_ROWS {
                let (function, own) = (Some(stacked.function), stacked.fuel);
                bars.push(Bar { function, total, own, before, row });
                todo.push((std::mem::take(&mut callees[call]), before, row + 1));
            }
            before += total;
        }
    }
    bars
}

fn draw(svg: &mut String, profile: &Profile, bar: &Bar, height: usize) {
    let whole = profile.fuel().max(1) as f64;
    let (x, width) = (bar.before as f64 / whole * WIDTH, bar.total as f64 / whole * WIDTH);
    let y = height - ROW / 2 - (bar.row + 1) * ROW;
    let function = bar.function.map(|number| &profile.functions[number]);
    let plain = function.map_or("the whole call", |function| &function.name);
    let name = escaped(plain);
    let fill = match function.map(|function| function.kind) {
        None | Some(FunctionKind::Unnamed) => "#ddd".to_owned(),
        Some(FunctionKind::Import) => "#9cc5f0".to_owned(),
        Some(FunctionKind::Named) => format!("hsl({},80%,72%)", hue(plain)),
    };
    let (total, own) = (grouped(bar.total), grouped(bar.own));
    let share = bar.total as f64 / whole * 100.0;
    // Writing to a String does not fail.
    let _ = writeln!(
        svg,
        "<g class=\"f\" data-x=\"{x:.4}\" data-w=\"{width:.4}\" data-y=\"{y}\" data-n=\"{name}\">\
         <title>{name}: {total} units, {share:.2} %; itself {own}</title>\
         <rect x=\"{x:.4}\" y=\"{y}\" width=\"{width:.4}\" height=\"{ROW}\" fill=\"{fill}\"/>\
         <text x=\"{:.4}\" y=\"{}\">{}</text></g>",
        x + 3.0,
        y + 13,
        label(plain, width),
    );
}

/// Returns as much of a name as fits.
fn label(name: &str, width: f64) -> String {
    let room = ((width - 6.0) / LETTER).max(0.0) as usize;
    match name.chars().count() {
        _ if room < 3 => String::new(),
        letters if letters <= room => escaped(name),
        _ => escaped(&name.chars().take(room - 1).chain(['…']).collect::<String>()),
    }
}

/// Returns a hue between yellow and red, the same for functions of one crate.
fn hue(name: &str) -> u32 {
    let path = name.trim_start_matches(['<', '&']).trim_start_matches("mut ");
    let crate_name = path.split("::").next().unwrap_or_default();
    crate_name.bytes().fold(7, |hue: u32, byte| (hue * 31 + u32::from(byte)) % 56)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // These characters are not allowed in XML.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_runtime::{Function, StackedCall};

    #[test]
    fn widths_are_fuel_and_names_are_escaped() {
        let named = |name: &str| Function { name: name.into(), kind: FunctionKind::Named };
        let call = |function, caller, fuel| StackedCall { function, caller, fuel };
        let profile = Profile {
            functions: vec![named("main"), named("<a as B>::f")],
            calls: vec![call(0, None, 25), call(1, Some(0), 75)],
            steps: Vec::new(),
        };
        let svg = graph(&profile, "Transfer \"a\"");
        let title = "&lt;a as B&gt;::f: 75 units, 75.00 %; itself 75";
        assert!(svg.contains(title), "{svg}");
        assert!(svg.contains("width=\"900.0000\"") && svg.contains("Transfer &quot;a&quot;"));
        assert_eq!(svg.matches("<g class=\"f\"").count(), 3);
    }

    #[test]
    fn numbers_are_grouped() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn functions_of_one_crate_have_one_color() {
        let color = hue("serde_json::read::f");
        assert_eq!(hue("<&mut serde_json::ser::Serializer<W> as serde::X>::y"), color);
        assert_ne!(hue("wasmcc_sdk::f"), color);
    }

    #[test]
    fn a_name_is_cut_where_its_bar_ends() {
        assert_eq!(label("abcdefgh", 6.0 + 4.5 * LETTER), "abc…");
        assert_eq!(label("abc", 6.0 + 3.5 * LETTER), "abc");
        assert_eq!(label("abc", 10.0), "");
    }
}

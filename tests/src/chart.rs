//! Draws the growth of figures as an SVG picture with logarithmic axes, with one panel per unit.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

const WIDTH: u32 = 720;
const PANEL_HEIGHT: u32 = 260;
const FONT: (&str, i32) = ("sans-serif", 13);
const COLORS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x17, 0xbe, 0xcf),
];

/// A picture.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The label of the X axis.
    pub axis: &'a str,
    /// The points of each series by X. A series name ends with the unit, as in `get_us`.
    pub series: &'a BTreeMap<String, BTreeMap<u64, f64>>,
}

type Panel<'a> = Vec<(&'a str, &'a BTreeMap<u64, f64>)>;

/// Writes the picture to a file.
///
/// # Errors
/// There are no points, or the file cannot be written.
pub fn draw(path: &Path, chart: &Chart<'_>) -> Result<(), Box<dyn Error>> {
    let mut panels: BTreeMap<&str, Panel<'_>> = BTreeMap::new();
    for (name, points) in chart.series {
        let unit = match name.ends_with("_per_s") {
            true => "per s",
            false => name.rsplit('_').next().unwrap_or_default(),
        };
        panels.entry(unit).or_default().push((name, points));
    }
    if panels.is_empty() {
        return Err("a chart without points".into());
    }
    let height = PANEL_HEIGHT * u32::try_from(panels.len())?;
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((panels.len(), 1));
    for (area, (unit, panel)) in areas.iter().zip(&panels) {
        draw_panel(area, chart.axis, unit, panel)?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    axis: &str,
    unit: &str,
    panel: &Panel<'_>,
) -> Result<(), Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let points = || panel.iter().flat_map(|(_, points)| points.iter());
    let xs = points().map(|(x, _)| *x as f64);
    let (left, right) = bounds(xs).ok_or("a chart without points")?;
    let (low, high) = bounds(points().map(|(_, value)| *value)).ok_or("a chart without points")?;
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(
        (left..right * 1.05).log_scale(),
        (low.max(f64::MIN_POSITIVE) / 1.5..high * 1.5).log_scale(),
    )?;
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_desc(unit)
        .label_style(FONT)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for ((name, points), color) in panel.iter().zip(COLORS.iter().cycle()) {
        let line = points.iter().map(|(x, value)| (*x as f64, *value));
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(2)).point_size(3))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(FONT)
        .draw()?;
    Ok(())
}

/// Returns the smallest and the largest value.
fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |found, value| {
        let (low, high) = found.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_picture_has_a_panel_for_each_unit_and_names_its_series() {
        let points = BTreeMap::from([(1, 2.0), (1_000, 4.0)]);
        let series =
            ["get_us", "put_us", "resident_mb"].map(|name| (name.to_owned(), points.clone()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chart.svg");
        draw(&path, &Chart { axis: "keys", series: &series.into() }).unwrap();
        let svg = fs::read_to_string(&path).unwrap();
        assert!(svg.contains(&format!(r#"height="{}""#, 2 * PANEL_HEIGHT)), "{svg}");
        for text in ["get_us", "put_us", "resident_mb", "keys"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(draw(&path, &Chart { axis: "keys", series: &BTreeMap::new() }).is_err());
    }
}

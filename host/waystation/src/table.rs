//! Aligned columns.

use crate::output::printable;

/// Rows under their heads, two spaces between columns.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let clean = rows.iter().map(|row| row.iter().map(|cell| in_a_cell(cell)).collect());
    let all: Vec<Vec<String>> = std::iter::once(heads).chain(clean).collect();
    let mut widths = Vec::<usize>::new();
    for row in &all {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let lines = all.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Names and values below each other.
pub(crate) fn fields(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|(name, value)| {
        let value = printable(value).replace('\n', &format!("\n{:width$}  ", ""));
        format!("{name:<width$}  {value}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn in_a_cell(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes in a unit that fits.
pub(crate) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", tenths(1_024)),
        _ => format!("{} MiB", tenths(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["é".into(), "x".into()], vec!["long".into(), "a\nb".into()]];
        assert_eq!(table(&["NAME", "N"], &rows), "NAME  N\né     x\nlong  a b");
    }

    #[test]
    fn fields_line_up() {
        assert_eq!(
            fields(&[("id", "1".into()), ("status", "a\nb".into())]),
            "id      1\nstatus  a\n        b"
        );
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(37 * 1_048_576), "37.0 MiB");
    }
}

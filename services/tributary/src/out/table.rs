//! Tables for people: aligned columns without borders, that fit the terminal.

use std::fmt;

use comfy_table::{ContentArrangement, presets};

/// In fewer columns no table can be read: the terminal breaks the lines then.
const NARROWEST: u16 = 40;

/// Rows below a heading, or without one.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// Without a heading: names and values.
    pub(crate) fn plain() -> Table {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        // Some terminals do not know how wide they are, and say 0.
        if table.width().is_some_and(|width| width >= NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        Table(table)
    }

    /// With a heading, in capitals.
    pub(crate) fn with<const N: usize>(heading: [&str; N]) -> Table {
        let mut table = Table::plain();
        table.0.set_header(heading.map(str::to_uppercase));
        table
    }

    /// One more row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.add_row(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cells of a row are padded to the column's width, the last one's too.
        let lines: Vec<String> = self.0.lines().map(|line| line.trim_end().to_owned()).collect();
        let margin = if lines.iter().all(|line| line.is_empty() || line.starts_with(' ')) { 1 } else { 0 };
        let lines = lines.iter().map(|line| line.get(margin..).unwrap_or_default());
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_ends() {
        let mut table = Table::with(["kind", "name"]);
        table.row(["Mapping".into(), "purchase".into()]);
        table.row(["Workflow".into(), "w".into()]);
        assert_eq!(table.to_string(), "KIND      NAME\nMapping   purchase\nWorkflow  w");
    }
}

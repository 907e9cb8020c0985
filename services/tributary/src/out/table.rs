//! Tables for people: aligned columns without borders, that fit the terminal.

use std::fmt;

use comfy_table::{ContentArrangement, presets};

use super::short;

/// In fewer columns no table can be read: the terminal breaks the lines then.
const NARROWEST: u16 = 40;

/// A column is not cut below this many characters: what is left would say nothing.
const SHORTEST: usize = 12;
/// Between two columns.
const GAP: usize = 2;

/// Rows below a heading, or without one.
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns that may be cut, so that the others stay whole; without any, cells are broken over several lines.
    cut: Vec<usize>,
}

impl Table {
    /// Without a heading: names and values.
    pub(crate) fn plain() -> Table {
        Table { heading: Vec::new(), rows: Vec::new(), cut: Vec::new() }
    }

    /// With a heading, in capitals.
    pub(crate) fn with<const N: usize>(heading: [&str; N]) -> Table {
        Table { heading: heading.map(str::to_uppercase).into(), ..Table::plain() }
    }

    /// Where a line has no room for a row, these columns are cut, from 0; the others can be copied from whole.
    pub(crate) fn cut(mut self, columns: &[usize]) -> Table {
        columns.clone_into(&mut self.cut);
        self
    }

    /// One more row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// As it is shown in a terminal so wide; 0 where that is not known, as for a file.
    fn shown(&self, width: u16) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        let broken = width >= NARROWEST && self.cut.is_empty();
        table.set_content_arrangement(if broken {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        });
        if broken {
            table.set_width(width);
        }
        if !self.heading.is_empty() {
            table.set_header(&self.heading);
        }
        let room = self.room(usize::from(width));
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| match room {
                Some(room) if self.cut.contains(&column) => short(cell, room),
                _ => cell.clone(),
            });
            table.add_row(cells);
        }
        // The cells of a row are padded to the column's width, the last one's too.
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        let margin = if lines.iter().all(|line| line.is_empty() || line.starts_with(' ')) { 1 } else { 0 };
        let lines = lines.iter().map(|line| line.get(margin..).unwrap_or_default());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// For each column that is cut, where a line is so wide; `None` where nothing has to be cut.
    fn room(&self, width: usize) -> Option<usize> {
        if self.cut.is_empty() || width == 0 {
            return None;
        }
        let columns = self.rows.iter().chain([&self.heading]).map(Vec::len).max().unwrap_or_default();
        let widest = |column: usize| {
            let cells = self.rows.iter().chain([&self.heading]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        let whole: usize = widths.iter().sum::<usize>() + columns.saturating_sub(1) * GAP;
        if whole <= width {
            return None;
        }
        let cut: Vec<usize> = self.cut.iter().filter_map(|column| widths.get(*column)).copied().collect();
        let left = width.saturating_sub(whole - cut.iter().sum::<usize>());
        // Those that need less leave their part to the others.
        let share = |among: usize| left / among.max(1);
        let even = share(cut.len());
        let spare: usize = cut.iter().map(|width| even.saturating_sub(*width)).sum();
        let greedy = cut.iter().filter(|width| **width > even).count();
        Some((even + spare / greedy.max(1)).max(SHORTEST))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some terminals do not know how wide they are, and say 0.
        f.write_str(&self.shown(comfy_table::Table::new().width().unwrap_or_default()))
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

    #[test]
    fn what_can_be_cut_is_cut_so_that_the_rest_stays_whole() {
        let mut table = Table::with(["id", "properties"]).cut(&[1]);
        let id = "4ee129f38a1bfcce57c6aa4864e4d996";
        table.row([id.into(), "x".repeat(60)]);
        assert_eq!(table.shown(0).lines().nth(1).unwrap().chars().count(), 32 + GAP + 60);
        let shown = table.shown(60);
        let line = shown.lines().nth(1).unwrap();
        assert!(line.starts_with(&format!("{id}  xxx")) && line.ends_with('…'), "{shown}");
        assert_eq!(line.chars().count(), 60, "{shown}");
        let narrow = table.shown(20);
        assert!(narrow.contains(id), "an id is never broken: {narrow}");
    }
}

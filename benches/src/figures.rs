//! What was measured, and what it comes to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What one figure is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The row of the table, or the series of a chart.
    pub row: &'static str,
    /// Who.
    pub who: String,
    /// `pinned`, `not pinned`, or nothing where it makes no difference.
    pub cores: &'static str,
    /// Where along a chart: guests, outstanding hooks, bytes. 0 in the table.
    pub at: u64,
}

/// All figures; each has one value per round.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<Key, (&'static str, Vec<f64>)>);

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let high = *sorted.get(sorted.len() / 2)?;
    let low = *sorted.get((sorted.len() - 1) / 2)?;
    Some((low + high) / 2.0)
}

/// The value below which this part of them lies.
pub fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied()
}

impl Figures {
    /// One round's value.
    pub fn add(
        &mut self,
        row: &'static str,
        who: &str,
        cores: &'static str,
        at: u64,
        unit: &'static str,
        value: f64,
    ) {
        let key = Key {
            row,
            who: who.to_owned(),
            cores,
            at,
        };
        self.0
            .entry(key)
            .or_insert((unit, Vec::new()))
            .1
            .push(value);
    }

    /// The values of the rounds, in their order.
    pub fn rounds(
        &self,
        row: &'static str,
        who: &str,
        cores: &'static str,
        at: u64,
    ) -> Option<&[f64]> {
        let key = Key {
            row,
            who: who.to_owned(),
            cores,
            at,
        };
        self.0.get(&key).map(|(_, values)| values.as_slice())
    }

    /// The median over the rounds.
    pub fn get(&self, row: &'static str, who: &str, cores: &'static str, at: u64) -> Option<f64> {
        median(self.rounds(row, who, cores, at)?)
    }

    /// A series: all places of one row of one of them.
    pub fn series(&self, row: &str, who: &str, cores: &str) -> Vec<(f64, f64)> {
        self.0
            .iter()
            .filter(|(key, _)| key.row == row && key.who == who && key.cores == cores)
            .filter_map(|(key, (_, values))| Some((key.at as f64, median(values)?)))
            .collect()
    }

    /// Everything, for the file.
    pub fn to_json(&self) -> Value {
        let figure = |(key, (unit, values)): (&Key, &(&str, Vec<f64>))| {
            json!({
                "row": key.row, "who": key.who, "cores": key.cores, "at": key.at, "unit": unit,
                "median": median(values), "least": quantile(values, 0.0),
                "most": quantile(values, 1.0), "rounds": values.len(),
            })
        };
        Value::Array(self.0.iter().map(figure).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99.0));
        assert_eq!(quantile(&hundred, 0.5), Some(50.0));
        assert_eq!(quantile(&hundred, 0.0), Some(1.0));
        assert_eq!(quantile(&hundred, 1.0), Some(100.0));
    }
}
